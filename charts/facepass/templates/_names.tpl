{{- define "facepass.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Prefix of the names of all objects; facepass.validate keeps it to 40 characters, which leave room for the longest suffix. */}}
{{- define "facepass.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "facepass.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "facepass.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of every object. Call with (dict "root" $ "component" "api"). */}}
{{- define "facepass.labels" -}}
{{ include "facepass.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: facepass
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels and annotations of an object. Call with (dict "root" $ "component" "api"), and, where it has some of its own, "labels" and "annotations". */}}
{{- define "facepass.metadata" -}}
labels:
  {{- include "facepass.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (deepCopy .root.Values.commonAnnotations) (default dict .annotations) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Labels that selectors use; they never change. */}}
{{- define "facepass.selectorLabels" -}}
app.kubernetes.io/name: {{ include "facepass.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of every pod of the release. */}}
{{- define "facepass.instanceLabels" -}}
app.kubernetes.io/name: {{ include "facepass.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Reference of an image: [registry/]repository:tag, or @digest where one is given. Call with (dict "root" $ "image" .Values.api.image). */}}
{{- define "facepass.image" -}}
{{- with coalesce .root.Values.global.imageRegistry .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ coalesce .image.tag .root.Values.image.tag .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "facepass.serviceAccountName" -}}
{{- if .root.Values.serviceAccount.create -}}
{{ include "facepass.fullname" .root }}-{{ .component }}
{{- else -}}
{{ default "default" .root.Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "facepass.apiKeysSecret" -}}
{{- default (printf "%s-api-keys" (include "facepass.fullname" .)) .Values.api.keys.existingSecret }}
{{- end }}

{{- define "facepass.smokeTestSecret" -}}
{{- default (printf "%s-smoke-test" (include "facepass.fullname" .)) .Values.api.keys.smokeTestSecret }}
{{- end }}

{{- define "facepass.databaseSecret" -}}
{{- if .Values.postgres.embedded.enabled -}}
{{ default (printf "%s-postgres" (include "facepass.fullname" .)) .Values.postgres.embedded.existingSecret }}
{{- else -}}
{{ .Values.postgres.existingSecret }}
{{- end }}
{{- end }}

{{- define "facepass.databaseUrlKey" -}}
{{- if .Values.postgres.embedded.enabled -}}url{{- else -}}{{ .Values.postgres.urlKey }}{{- end }}
{{- end }}

{{/* Secret with the URL of Redis; empty where there is none. */}}
{{- define "facepass.redisSecret" -}}
{{- if .Values.redis.embedded.enabled -}}
{{ default (printf "%s-redis" (include "facepass.fullname" .)) .Values.redis.embedded.existingSecret }}
{{- else -}}
{{ .Values.redis.existingSecret }}
{{- end }}
{{- end }}

{{- define "facepass.redisUrlKey" -}}
{{- if .Values.redis.embedded.enabled -}}url{{- else -}}{{ .Values.redis.urlKey }}{{- end }}
{{- end }}

{{/* Secret with tls.crt, tls.key and ca.crt for the calls between API and inference. */}}
{{- define "facepass.tlsSecret" -}}
{{- default (printf "%s-inference-tls" (include "facepass.fullname" .)) .Values.tls.existingSecret }}
{{- end }}

{{- define "facepass.inferenceHost" -}}
{{ include "facepass.fullname" . }}-inference.{{ .Release.Namespace }}.svc
{{- end }}

{{/* "true" where a cluster has told what it knows, and this API is not among it; `helm template` by itself knows of no kinds. Call with (dict "root" $ "api" "group/version"). */}}
{{- define "facepass.lacks" -}}
{{- $known := .root.Capabilities.APIVersions -}}
{{- if and ($known.Has "v1/Pod") (not ($known.Has .api)) (not .root.Values.skipCapabilityChecks) -}}true{{- end -}}
{{- end }}
