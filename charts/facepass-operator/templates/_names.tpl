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

{{/* Values that contradict each other are refused here, each with a sentence. */}}
{{- define "operator.validate" -}}
{{- if and .Values.clusterWide .Values.namespaces -}}
{{- fail "clusterWide and namespaces exclude each other: every namespace, or those named." -}}
{{- end -}}
{{- with .Values.leaderElection -}}
{{- if not (and (lt (int .retryMs) (int .renewDeadlineMs)) (lt (int .renewDeadlineMs) (int .leaseDurationMs))) -}}
{{- fail "leaderElection: retryMs must be shorter than renewDeadlineMs, and that shorter than leaseDurationMs, else two pods could lead at a time." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) (not .Values.skipCapabilityChecks) -}}
{{- fail "monitoring.podMonitor.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- end }}
