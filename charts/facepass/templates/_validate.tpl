{{/* Rejects values that contradict each other, each with a sentence. */}}
{{- define "facepass.validate" -}}
{{- $full := include "facepass.fullname" . -}}
{{- if or (gt (len $full) 40) (not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full)) -}}
{{- fail (printf "The objects would be named %s…: a name must begin with a letter and have at most 40 characters, so that no two releases share a name. Set fullnameOverride." $full) -}}
{{- end -}}
{{- if and .Values.postgres.embedded.enabled .Values.postgres.existingSecret -}}
{{- fail "postgres.embedded.enabled and postgres.existingSecret exclude each other: use the trial database or yours, not both." -}}
{{- end -}}
{{- if not (or .Values.postgres.embedded.enabled .Values.postgres.existingSecret) -}}
{{- fail "No database: set postgres.existingSecret to a Secret with a connection URL, or postgres.embedded.enabled=true for a trial." -}}
{{- end -}}
{{- if and .Values.redis.embedded.enabled .Values.redis.existingSecret -}}
{{- fail "redis.embedded.enabled and redis.existingSecret exclude each other: use the trial Redis or yours, not both." -}}
{{- end -}}
{{- if and (eq .Values.inference.mode "sidecar") .Values.inference.autoscaling.enabled -}}
{{- fail "inference.autoscaling needs inference.mode=standalone: a sidecar scales with its API pod (api.autoscaling)." -}}
{{- end -}}
{{- if and (eq .Values.inference.mode "sidecar") .Values.tls.enabled -}}
{{- fail "tls.enabled needs inference.mode=standalone: a sidecar is reached over a UNIX socket inside the pod." -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) (not .Values.tls.certManager.issuerRef) -}}
{{- fail "tls.enabled needs tls.existingSecret or tls.certManager.issuerRef." -}}
{{- end -}}
{{- if and (eq .Values.api.searchAccess "token") (not .Values.api.searchTokenSecret) -}}
{{- fail "api.searchAccess=token needs api.searchTokenSecret, a Secret with the key search-token-secret." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled needs at least one name in ingress.hosts." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs: the Gateway of the route." -}}
{{- end -}}
{{- if and .Values.api.autoscaling.enabled (gt (int .Values.api.autoscaling.minReplicas) (int .Values.api.autoscaling.maxReplicas)) -}}
{{- fail "api.autoscaling.minReplicas is larger than maxReplicas." -}}
{{- end -}}
{{- if and .Values.inference.autoscaling.enabled (gt (int .Values.inference.autoscaling.minReplicas) (int .Values.inference.autoscaling.maxReplicas)) -}}
{{- fail "inference.autoscaling.minReplicas is larger than maxReplicas." -}}
{{- end -}}
{{- if gt (int .Values.indexer.autoscaling.minReplicas) (int .Values.indexer.autoscaling.maxReplicas) -}}
{{- fail "indexer.autoscaling.minReplicas is larger than maxReplicas." -}}
{{- end -}}
{{- range $component := list "inference" "indexer" -}}
{{- if (get $.Values $component).keda.enabled -}}
{{- include "facepass.validateKeda" (dict "root" $ "component" $component) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring.podMonitor and monitoring.serviceMonitor exclude each other: every process would be scraped twice." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (include "facepass.lacks" (dict "root" . "api" "gateway.networking.k8s.io/v1")) -}}
{{- fail "httpRoute.enabled, but this cluster has no Gateway API (gateway.networking.k8s.io/v1)." -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled (include "facepass.lacks" (dict "root" . "api" "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.podMonitor.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled (include "facepass.lacks" (dict "root" . "api" "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.serviceMonitor.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (include "facepass.lacks" (dict "root" . "api" "monitoring.coreos.com/v1")) -}}
{{- fail "monitoring.prometheusRule.enabled, but this cluster has no Prometheus operator (monitoring.coreos.com/v1)." -}}
{{- end -}}
{{- if eq .Values.release.mode "blueGreen" -}}
{{- include "facepass.validateBlueGreen" . -}}
{{- end -}}
{{- end }}

{{/* Call with (dict "root" $ "component" "indexer"). */}}
{{- define "facepass.validateKeda" -}}
{{- $values := get .root.Values .component -}}
{{- if $values.autoscaling.enabled -}}
{{- fail (printf "%s.keda.enabled and %s.autoscaling.enabled exclude each other: KEDA makes the autoscaler itself." .component .component) -}}
{{- end -}}
{{- if not $values.keda.prometheusUrl -}}
{{- fail (printf "%s.keda.enabled needs %s.keda.prometheusUrl: the Prometheus that scrapes it." .component .component) -}}
{{- end -}}
{{- if eq .root.Values.release.mode "blueGreen" -}}
{{- fail (printf "%s.keda.enabled with release.mode=blueGreen: the operator sizes the pods of each revision. Use %s.autoscaling with metrics." .component .component) -}}
{{- end -}}
{{- if and (include "facepass.lacks" (dict "root" .root "api" "keda.sh/v1alpha1")) -}}
{{- fail (printf "%s.keda.enabled, but this cluster has no KEDA (keda.sh/v1alpha1)." .component) -}}
{{- end -}}
{{- end }}

{{- define "facepass.validateBlueGreen" -}}
{{- $gateway := eq .Values.release.traffic.mode "Gateway" -}}
{{- if and $gateway (not .Values.httpRoute.enabled) -}}
{{- fail "release.traffic.mode=Gateway needs httpRoute.enabled and httpRoute.parentRefs: the operator creates the route there. Without a Gateway API set release.traffic.mode=Selector." -}}
{{- end -}}
{{- if and $gateway .Values.ingress.enabled -}}
{{- fail "ingress.enabled with release.traffic.mode=Gateway: requests through the Ingress would bypass the weights. Use only the Gateway, or release.traffic.mode=Selector." -}}
{{- end -}}
{{- if and (not $gateway) .Values.httpRoute.enabled -}}
{{- fail "httpRoute.enabled with release.traffic.mode=Selector: with a Gateway the operator shifts traffic by weights. Set release.traffic.mode=Gateway." -}}
{{- end -}}
{{- if .Values.migration.contract -}}
{{- fail "migration.contract with release.mode=blueGreen: a release must be able to roll back, and nothing rolls back past a contraction. Contract in plain mode, after the last release is settled." -}}
{{- end -}}
{{- if and (include "facepass.lacks" (dict "root" . "api" "facepass.dev/v1alpha1")) -}}
{{- fail "release.mode=blueGreen, but this cluster has no CRD for the Facepass resource: install charts/facepass-operator first." -}}
{{- end -}}
{{- end }}
