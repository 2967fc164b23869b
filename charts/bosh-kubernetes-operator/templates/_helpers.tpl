{{- define "bosh.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "bosh.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "bosh.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bosh.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of a cluster-scoped object: two releases of one name in two namespaces do not meet. */}}
{{- define "bosh.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "bosh.fullname" .) -}}
{{- end -}}

{{/* Never in the release's namespace: whoever may touch machines would be the operator's master. */}}
{{- define "bosh.machines" -}}
{{- if eq .Values.machines.namespace .Release.Namespace -}}
{{- fail (printf "machines.namespace is the release's namespace %q: machines are root on their nodes and need a namespace of their own" .Release.Namespace) -}}
{{- end -}}
{{- .Values.machines.namespace -}}
{{- end -}}

{{/* What a selector selects by: never a version. Call with (list $ "component"). */}}
{{- define "bosh.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "bosh.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "bosh.labels" -}}
{{- $ := index . 0 -}}
{{ include "bosh.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/part-of: bosh-kubernetes
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* repository@digest or repository:tag. Call with (list image defaultTag). */}}
{{- define "bosh.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 1) $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "bosh.operatorImage" -}}
{{- $_ := required "image.repository is not set: build the operator's image, push it where your nodes can pull it, and name it (docs/install.md)" .Values.image.repository -}}
{{- include "bosh.image" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{- define "bosh.pullSecrets" -}}
{{- with . }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of every Pod of the chart: Pod Security level "restricted" (a host port of the mirror excepted). */}}
{{- define "bosh.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "bosh.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where Pods run. Call with a block of the values. */}}
{{- define "bosh.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
