{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Prefix of the names of all objects. */}}
{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "operator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: facepass
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels and annotations of an object. Call with (dict "root" $), and, where it has some of its own, "labels" and "annotations". */}}
{{- define "operator.metadata" -}}
labels:
  {{- include "operator.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (deepCopy .root.Values.commonAnnotations) (default dict .annotations) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Labels that selectors use; they never change. */}}
{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "operator.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Namespaces with a Role, as a JSON list. */}}
{{- define "operator.namespaces" -}}
{{- default (list .Release.Namespace) .Values.namespaces | uniq | toJson }}
{{- end }}

{{/* Whether this release installs and upgrades the resource's definition: unless somebody else does, "false". */}}
{{- define "operator.bringsDefinition" -}}
{{- $existing := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "facepasses.facepass.dev" -}}
{{- $owner := dig "metadata" "annotations" dict $existing -}}
{{- $own := and (eq (get $owner "meta.helm.sh/release-name") .Release.Name) (eq (get $owner "meta.helm.sh/release-namespace") .Release.Namespace) -}}
{{- and .Values.crds.install (or (not $existing) $own) -}}
{{- end }}

{{/* Values that contradict each other are refused here, each with a sentence. */}}
{{- define "operator.validate" -}}
{{- if and .Values.clusterWide .Values.namespaces -}}
{{- fail "clusterWide and namespaces exclude each other: every namespace, or those named." -}}
{{- end -}}
{{- $lease := .Values.leaderElection -}}
{{- if le (int $lease.leaseDurationMs) (add (int $lease.renewDeadlineMs) (int .Values.kubernetesTimeoutMs) | int) -}}
{{- fail "leaderElection.leaseDurationMs must be longer than renewDeadlineMs and kubernetesTimeoutMs together, else a write under way could meet another leader." -}}
{{- end -}}
{{- if ge (int $lease.retryMs) (int $lease.renewDeadlineMs) -}}
{{- fail "leaderElection.retryMs must be shorter than renewDeadlineMs, else the leader cannot renew in time." -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring.podMonitor and monitoring.serviceMonitor exclude each other: every process would be scraped twice." -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled (include "operator.lacks" (dict "root" . "api" "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.serviceMonitor.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled (include "operator.lacks" (dict "root" . "api" "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.podMonitor.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- end }}

{{/* "true" where a cluster has told what it knows, and this API is not among it; `helm template` by itself knows of no kinds. Call with (dict "root" $ "api" "group/version"). */}}
{{- define "operator.lacks" -}}
{{- $known := .root.Capabilities.APIVersions -}}
{{- if and ($known.Has "v1/Pod") (not ($known.Has .api)) (not .root.Values.skipCapabilityChecks) -}}true{{- end -}}
{{- end }}
