{{/* What the operator may do in the machines' namespace; bosh_kubernetes_operator.rbac says the same. No verb on Secrets. */}}
{{- define "bosh.operatorRules" -}}
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines]
  verbs: [get, list, watch, patch]
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines/status]
  verbs: [patch]
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines/finalizers]
  verbs: [update]
- apiGroups: [cpi.bosh.io]
  resources: [stemcells]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods/exec]
  verbs: [get, create]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update, patch]
{{- end -}}

{{/* What it may read in the whole cluster. */}}
{{- define "bosh.operatorClusterRules" -}}
- apiGroups: [""]
  resources: [nodes, persistentvolumes]
  verbs: [get, list, watch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses, volumeattributesclasses]
  verbs: [get, list, watch]
- apiGroups: [snapshot.storage.k8s.io]
  resources: [volumesnapshotclasses]
  verbs: [get, list, watch]
{{- end -}}

{{/*
What the CPI may do in the machines' namespace (docs/configuration.md). Secrets and settings are written and deleted by
name, never read back. Status is the operator's, Pods too.
*/}}
{{- define "bosh.cpiRules" -}}
- apiGroups: [cpi.bosh.io]
  resources: [virtualmachines, stemcells]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps, secrets]
  verbs: [create, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
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
  resources: [storageclasses]
  verbs: [get, list]
{{- end -}}
