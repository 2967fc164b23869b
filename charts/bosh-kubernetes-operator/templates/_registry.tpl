{{/* relativeurls: the API server's proxy rewrites only relative Locations, with its prefix. */}}
{{- define "bosh.registryConfig" -}}
version: 0.1
log: {level: warn}
http:
  addr: ":5000"
  relativeurls: true
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
{{- end -}}

{{/*
A pull-through cache takes no push. `exec`: where credentials come from when the registry asks for some, which ours never
does, so nothing is run. Without it the cache asks the registry at its start for the ways to log in, and ends when there
is no answer yet.
*/}}
{{- define "bosh.mirrorConfig" -}}
version: 0.1
log: {level: warn}
http:
  addr: ":5000"
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  # Without it nothing that expires in the cache is removed.
  delete: {enabled: true}
proxy:
  remoteurl: http://{{ .Values.registry.name }}.{{ include "bosh.machines" . }}.svc:5000
  ttl: 168h
  exec: {command: none}
{{- end -}}

{{/* No command: the image's entry point is the registry. */}}
{{- define "bosh.registryContainer" -}}
image: {{ include "bosh.image" (list .Values.registry.image "") | quote }}
imagePullPolicy: {{ .Values.registry.image.pullPolicy }}
args: [serve, /etc/bosh-registry/config.yml]
env:
  - {name: OTEL_TRACES_EXPORTER, value: none}
startupProbe:
  httpGet: {path: /v2/, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /v2/, port: http}
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /v2/, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
securityContext:
  {{- include "bosh.securityContext" . | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/bosh-registry, readOnly: true}
  - {name: blobs, mountPath: /var/lib/registry}
{{- end -}}
