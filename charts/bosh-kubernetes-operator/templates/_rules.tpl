{{/* What the operator may do in the machines' namespace: as bosh_kubernetes_operator.rbac says, with the reasons. */}}
{{- define "bosh.operatorRules" -}}
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [create, get, list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, list]
- apiGroups: [""]
  resources: [configmaps, pods, services]
  verbs: [create, delete, get, list, watch]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [create, get]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create, get, update]
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines]
  verbs: [get, list, patch, watch]
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines/status]
  verbs: [patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, delete, get, patch]
{{- end -}}

{{/* What it may read in the whole cluster: the same module. */}}
{{- define "bosh.operatorClusterRules" -}}
- apiGroups: [""]
  resources: [nodes, persistentvolumes]
  verbs: [get]
{{- end -}}

{{/*
What the CPI may do in the machines' namespace (docs/configuration.md). Secrets and settings are written and deleted by
name, never read back. Status is the operator's, Pods too.
*/}}
{{- define "bosh.cpiRules" -}}
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [cpi.bosh.io]
  resources: [stemcells]
  verbs: [get, list, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps, secrets]
  verbs: [create, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshots]
  verbs: [get, watch, create, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [bosh-kubernetes-operator]
  verbs: [get]
{{- if .Values.registry.enabled }}
- apiGroups: [""]
  resources: [services/proxy]
  resourceNames: [{{ printf "http:%s:5000" .Values.registry.name | quote }}]
  verbs: [get, create, update, patch, delete]
{{- end }}
{{- end -}}

{{- define "bosh.cpiClusterRules" -}}
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, volumeattributesclasses]
  verbs: [get, list]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshotclasses]
  verbs: [get, list]
{{- end -}}
