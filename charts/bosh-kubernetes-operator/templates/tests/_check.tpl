{{/* A Pod of `helm test`. Call with (dict "root" $ "name" "namespace" "account" "environment" (dict NAME value)). */}}
{{- define "bosh.testPod" -}}
{{- $ := .root -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "bosh.labels" (list $ "test") | nindent 4 }}
  annotations:
    helm.sh/hook: test
    # A failed one stays for its log.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  serviceAccountName: {{ .account }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  securityContext:
    {{- include "bosh.podSecurityContext" $ | nindent 4 }}
  {{- include "bosh.pullSecrets" $.Values.imagePullSecrets | nindent 2 }}
  {{- include "bosh.scheduling" $.Values.operator | nindent 2 }}
  containers:
    - name: check
      image: {{ include "bosh.operatorImage" $ | quote }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      command: [python3, -I, -c]
      args:
        - |
          {{- $.Files.Get "files/check.py" | nindent 10 }}
      env:
        {{- range $name, $value := .environment }}
        - name: {{ $name }}
          value: {{ toJson $value | quote }}
        {{- end }}
      resources:
        requests: {cpu: 10m, memory: 32Mi}
        limits: {memory: 128Mi}
      securityContext:
        {{- include "bosh.securityContext" $ | nindent 8 }}
{{- end -}}

{{/* A machine as the CPI makes it, for a dry run. */}}
{{- define "bosh.sampleMachine" -}}
apiVersion: cpi.bosh.io/v1alpha1
kind: VirtualMachine
metadata: {name: vm-chart-test}
spec:
  machine:
    agentID: chart-test
    stemcell: stemcell-0123456789abcdef0123
    image: registry.example.com/stemcell@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    resources: {cpu: "1", memory: 1024Mi, ephemeralDisk: 4096Mi}
    networks: [{name: default, type: dynamic}]
  disks: [{cid: disk-chart-test}]
  power: Running
{{- end -}}
