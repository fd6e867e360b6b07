{{/* Pod and container settings that the "restricted" Pod Security standard asks for. */}}
{{- define "facepass.podSecurity" -}}
{{ toYaml .Values.pods.securityContext }}
{{- end }}

{{- define "facepass.containerSecurity" -}}
{{ toYaml .Values.pods.containerSecurityContext }}
{{- end }}

{{/* What every pod has in common; after serviceAccountName. */}}
{{- define "facepass.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- include "facepass.podSecurity" . | nindent 2 }}
{{- with concat .Values.image.pullSecrets .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.pods.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.pods.hostAliases }}
hostAliases: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pods.dnsConfig }}
dnsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Variables that every container of Facepass has: authorities and proxies. */}}
{{- define "facepass.commonEnvironment" -}}
{{- if .Values.pods.caBundle.configMap }}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/facepass/ca/{{ .Values.pods.caBundle.key }} }
{{- end }}
{{- if .Values.pods.proxy }}
- { name: NODE_USE_ENV_PROXY, value: "1" }
{{- end }}
{{- range $name, $key := dict "HTTP_PROXY" "http" "HTTPS_PROXY" "https" "NO_PROXY" "none" }}
{{- with get $.Values.pods.proxy $key }}
- { name: {{ $name }}, value: {{ . | quote }} }
{{- end }}
{{- end }}
{{- end }}

{{/* Its volume, and where it is mounted. */}}
{{- define "facepass.commonVolumes" -}}
{{- with .Values.pods.caBundle.configMap }}
- { name: ca-bundle, configMap: { name: {{ . }} } }
{{- end }}
{{- end }}

{{- define "facepass.commonMounts" -}}
{{- if .Values.pods.caBundle.configMap }}
- { name: ca-bundle, mountPath: /etc/facepass/ca, readOnly: true }
{{- end }}
{{- end }}

{{/* The three probes of a container. Call with (dict "probes" .Values.api.probes "port" "metrics" "started" "/livez"); the last is what a started process answers. */}}
{{- define "facepass.probes" -}}
startupProbe:
  httpGet: { path: {{ .started }}, port: {{ .port }} }
  {{- toYaml .probes.startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: {{ .port }} }
  {{- toYaml .probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: {{ .port }} }
  {{- toYaml .probes.readiness | nindent 2 }}
{{- end }}

{{/* What no process reads anew while it runs: its change must roll the pods. Empty where the cluster is not asked (helm template, GitOps tools). */}}
{{- define "facepass.checksums" -}}
{{- with .Values.pods.caBundle.configMap }}
{{- with lookup "v1" "ConfigMap" $.Release.Namespace . }}
checksum/ca-bundle: {{ toJson .data | sha256sum }}
{{- end }}
{{- end }}
{{- end }}

{{- define "facepass.podScheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Spread over nodes and zones where there are some. Call with (dict "root" $ "component" "api"). */}}
{{- define "facepass.topologySpread" -}}
{{- $context := . -}}
topologySpreadConstraints:
  {{- with (get .root.Values .component).topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "facepass.selectorLabels" $context | nindent 8 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* name: value pairs and long-form variables of a component. Call with .Values.api or .Values.inference. */}}
{{- define "facepass.extraEnvironment" -}}
{{- range $name, $value := .env }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "facepass.telemetryEnvironment" -}}
{{- with .Values.telemetry.otlpEndpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
- { name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio }
- { name: OTEL_TRACES_SAMPLER_ARG, value: {{ $.Values.telemetry.samplingRatio | quote }} }
{{- end }}
{{- end }}

{{/* The packs that are served, the default first. */}}
{{- define "facepass.modelPacks" -}}
{{- prepend .Values.model.alsoServed .Values.model.pack | uniq | join "," }}
{{- end }}

{{- define "facepass.modelEnvironment" -}}
- { name: MODEL_PACK, value: {{ .Values.model.pack | quote }} }
{{- if .Values.model.alsoServed }}
- { name: MODEL_PACKS, value: {{ include "facepass.modelPacks" . | quote }} }
{{- end }}
{{- with .Values.model.licenceAccepted }}
- { name: MODEL_LICENCE_ACCEPTED, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{/* How a pod reaches the inference servers. */}}
{{- define "facepass.inferenceClientEnvironment" -}}
{{- if eq .Values.inference.mode "sidecar" -}}
- { name: INFERENCE_ADDRESS, value: "unix:/run/facepass/inference.sock" }
{{- else -}}
- { name: INFERENCE_ADDRESS, value: "dns:///{{ include "facepass.inferenceHost" . }}:50051" }
{{- end }}
{{- if .Values.tls.enabled }}
- { name: INFERENCE_TLS_CA_FILE, value: /etc/facepass/inference-tls/ca.crt }
{{- end }}
{{- end }}

{{/* Metadata and spec of an API pod; with inference.mode=sidecar it carries the inference container. */}}
{{- define "facepass.apiPod" -}}
{{- $sidecar := eq .Values.inference.mode "sidecar" -}}
metadata:
  labels:
    {{- include "facepass.labels" (dict "root" . "component" "api") | nindent 4 }}
    {{- with .Values.api.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: api
    {{- with merge (deepCopy .Values.api.podAnnotations) (include "facepass.checksums" . | fromYaml) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "facepass.serviceAccountName" (dict "root" . "component" "api") }}
  {{- include "facepass.podBasics" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .Values.api.terminationGracePeriodSeconds }}
  {{- include "facepass.podScheduling" .Values.api | nindent 2 }}
  {{- include "facepass.topologySpread" (dict "root" . "component" "api") | nindent 2 }}
  {{- if or $sidecar .Values.api.initContainers }}
  initContainers:
    {{- with .Values.api.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if $sidecar }}
    - {{- include "facepass.inferenceContainer" . | nindent 6 }}
      restartPolicy: Always
    {{- end }}
  {{- end }}
  containers:
    - {{- include "facepass.apiContainer" . | nindent 6 }}
    {{- with .Values.api.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "facepass.commonVolumes" . | nindent 4 }}
    {{- with .Values.api.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    - name: api-keys
      secret:
        secretName: {{ include "facepass.apiKeysSecret" . }}
        items: [{ key: {{ .Values.api.keys.secretKey | quote }}, path: api-keys }]
    - name: smoke-test
      secret: { secretName: {{ include "facepass.smokeTestSecret" . }} }
    {{- range include "facepass.secretFiles" . | fromYamlArray }}
    - {{- include "facepass.secretVolume" . | nindent 6 }}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - name: inference-tls
      secret: { secretName: {{ include "facepass.tlsSecret" . }} }
    {{- end }}
    {{- if $sidecar }}
    - name: socket
      emptyDir: { medium: Memory, sizeLimit: 1Mi }
    {{- end }}
    {{- include "facepass.inferenceVolumes" (dict "root" . "needed" $sidecar) | nindent 4 }}
{{- end }}

{{- define "facepass.apiContainer" -}}
name: api
image: {{ include "facepass.image" (dict "root" . "image" .Values.api.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- include "facepass.containerSecurity" . | nindent 2 }}
ports:
  - { name: http, containerPort: 8080 }
  - { name: metrics, containerPort: 9464 }
env:
  - { name: PORT, value: "8080" }
  - { name: METRICS_PORT, value: "9464" }
  - { name: LOG_LEVEL, value: {{ .Values.logLevel }} }
  {{- with .Values.api.trustProxy }}
  - { name: TRUST_PROXY, value: {{ . | quote }} }
  {{- end }}
  # The preStop sleep is the delay.
  - { name: DRAIN_DELAY_MS, value: "0" }
  - { name: API_KEYS_FILE, value: /etc/facepass/api-keys/api-keys }
  - { name: SMOKE_TEST_KEY_FILE, value: /etc/facepass/smoke-test/api-key }
  - { name: SEARCH_ACCESS, value: {{ .Values.api.searchAccess }} }
  {{- if .Values.api.searchTokenSecret }}
  - { name: SEARCH_TOKEN_SECRET_FILE, value: /etc/facepass/search-token/search-token-secret }
  {{- end }}
  - { name: DATABASE_URL_FILE, value: /etc/facepass/database/url }
  - { name: DATABASE_POOL_SIZE, value: {{ .Values.postgres.poolSize | quote }} }
  {{- if include "facepass.redisSecret" . }}
  - { name: REDIS_URL_FILE, value: /etc/facepass/redis/url }
  {{- end }}
  {{- include "facepass.s3Environment" . | nindent 2 }}
  {{- include "facepass.inferenceClientEnvironment" . | nindent 2 }}
  {{- include "facepass.modelEnvironment" . | nindent 2 }}
  {{- include "facepass.telemetryEnvironment" . | nindent 2 }}
  {{- include "facepass.commonEnvironment" . | nindent 2 }}
  {{- include "facepass.extraEnvironment" .Values.api | nindent 2 }}
{{ include "facepass.probes" (dict "probes" .Values.api.probes "port" "metrics" "started" "/livez") }}
lifecycle:
  preStop: { sleep: { seconds: {{ .Values.api.preStopSeconds }} } }
resources: {{- toYaml .Values.api.resources | nindent 2 }}
volumeMounts:
  {{- include "facepass.commonMounts" . | nindent 2 }}
  {{- with .Values.api.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  - { name: api-keys, mountPath: /etc/facepass/api-keys, readOnly: true }
  - { name: smoke-test, mountPath: /etc/facepass/smoke-test, readOnly: true }
  {{- range include "facepass.secretFiles" . | fromYamlArray }}
  - { name: {{ .name }}, mountPath: /etc/facepass/{{ .name }}, readOnly: true }
  {{- end }}
  {{- if .Values.tls.enabled }}
  - { name: inference-tls, mountPath: /etc/facepass/inference-tls, readOnly: true }
  {{- end }}
  {{- if eq .Values.inference.mode "sidecar" }}
  - { name: socket, mountPath: /run/facepass }
  {{- end }}
{{- end }}

{{/* Jobs name photos of the bucket: without one there is nothing to index. */}}
{{- define "facepass.hasIndexer" -}}
{{- if and .Values.indexer.enabled .Values.s3.bucket }}true{{ end }}
{{- end }}

{{/* Metadata and spec of an indexer pod; with inference.mode=sidecar it carries the inference container. */}}
{{- define "facepass.indexerPod" -}}
{{- $sidecar := eq .Values.inference.mode "sidecar" -}}
metadata:
  labels:
    {{- include "facepass.labels" (dict "root" . "component" "indexer") | nindent 4 }}
    {{- with .Values.indexer.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: indexer
    {{- with merge (deepCopy .Values.indexer.podAnnotations) (include "facepass.checksums" . | fromYaml) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "facepass.serviceAccountName" (dict "root" . "component" "indexer") }}
  {{- include "facepass.podBasics" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .Values.indexer.terminationGracePeriodSeconds }}
  {{- include "facepass.podScheduling" .Values.indexer | nindent 2 }}
  {{- include "facepass.topologySpread" (dict "root" . "component" "indexer") | nindent 2 }}
  {{- if or $sidecar .Values.indexer.initContainers }}
  initContainers:
    {{- with .Values.indexer.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if $sidecar }}
    - {{- include "facepass.inferenceContainer" . | nindent 6 }}
      restartPolicy: Always
    {{- end }}
  {{- end }}
  containers:
    - {{- include "facepass.indexerContainer" . | nindent 6 }}
    {{- with .Values.indexer.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "facepass.commonVolumes" . | nindent 4 }}
    {{- with .Values.indexer.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- range include "facepass.indexerSecretFiles" . | fromYamlArray }}
    - {{- include "facepass.secretVolume" . | nindent 6 }}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - name: inference-tls
      secret: { secretName: {{ include "facepass.tlsSecret" . }}, items: [{ key: ca.crt, path: ca.crt }] }
    {{- end }}
    {{- if $sidecar }}
    - name: socket
      emptyDir: { medium: Memory, sizeLimit: 1Mi }
    {{- end }}
    {{- include "facepass.inferenceVolumes" (dict "root" . "needed" $sidecar) | nindent 4 }}
{{- end }}

{{- define "facepass.indexerContainer" -}}
name: indexer
image: {{ include "facepass.image" (dict "root" . "image" .Values.indexer.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- include "facepass.containerSecurity" . | nindent 2 }}
ports:
  - { name: metrics, containerPort: 9464 }
env:
  - { name: METRICS_PORT, value: "9464" }
  - { name: LOG_LEVEL, value: {{ .Values.logLevel }} }
  - { name: INDEXER_CONCURRENCY, value: {{ .Values.indexer.concurrency | quote }} }
  # The grace period without what the process needs to end.
  - { name: DRAIN_TIMEOUT_MS, value: "{{ mul (max 1 (sub (int .Values.indexer.terminationGracePeriodSeconds) 10)) 1000 }}" }
  - { name: DATABASE_URL_FILE, value: /etc/facepass/database/url }
  - { name: DATABASE_POOL_SIZE, value: {{ .Values.postgres.poolSize | quote }} }
  {{- include "facepass.s3Environment" . | nindent 2 }}
  {{- include "facepass.inferenceClientEnvironment" . | nindent 2 }}
  {{- include "facepass.modelEnvironment" . | nindent 2 }}
  {{- include "facepass.telemetryEnvironment" . | nindent 2 }}
  {{- include "facepass.commonEnvironment" . | nindent 2 }}
  {{- include "facepass.extraEnvironment" .Values.indexer | nindent 2 }}
{{ include "facepass.probes" (dict "probes" .Values.indexer.probes "port" "metrics" "started" "/livez") }}
resources: {{- toYaml .Values.indexer.resources | nindent 2 }}
volumeMounts:
  {{- include "facepass.commonMounts" . | nindent 2 }}
  {{- with .Values.indexer.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- range include "facepass.indexerSecretFiles" . | fromYamlArray }}
  - { name: {{ .name }}, mountPath: /etc/facepass/{{ .name }}, readOnly: true }
  {{- end }}
  {{- if .Values.tls.enabled }}
  - { name: inference-tls, mountPath: /etc/facepass/inference-tls, readOnly: true }
  {{- end }}
  {{- if eq .Values.inference.mode "sidecar" }}
  - { name: socket, mountPath: /run/facepass }
  {{- end }}
{{- end }}

{{/* Secrets that are files in a pod: a variable would show in `kubectl exec … env`, and could not be renewed. Lists of {name, secret, items: {key: file}}. */}}
{{- define "facepass.secretFiles" -}}
{{ include "facepass.databaseFile" . }}
{{- with include "facepass.redisSecret" . }}
- { name: redis, secret: {{ . }}, items: { {{ include "facepass.redisUrlKey" $ | quote }}: url } }
{{- end }}
{{- with .Values.api.searchTokenSecret }}
- { name: search-token, secret: {{ . }}, items: { search-token-secret: search-token-secret } }
{{- end }}
{{- include "facepass.s3Files" . }}
{{- end }}

{{- define "facepass.indexerSecretFiles" -}}
{{ include "facepass.databaseFile" . }}
{{- include "facepass.s3Files" . }}
{{- end }}

{{- define "facepass.databaseFile" -}}
- { name: database, secret: {{ include "facepass.databaseSecret" . }}, items: { {{ include "facepass.databaseUrlKey" . | quote }}: url } }
{{- end }}

{{- define "facepass.s3Files" -}}
{{- if and .Values.s3.bucket .Values.s3.existingSecret }}
- { name: s3, secret: {{ .Values.s3.existingSecret }}, items: { access-key-id: access-key-id, secret-access-key: secret-access-key } }
{{- end }}
{{- end }}

{{/* Volume of one of them. */}}
{{- define "facepass.secretVolume" -}}
name: {{ .name }}
secret:
  secretName: {{ .secret }}
  items:
    {{- range $key, $file := .items }}
    - { key: {{ $key | quote }}, path: {{ $file }} }
    {{- end }}
{{- end }}

{{- define "facepass.s3Environment" -}}
{{- with .Values.s3 }}
{{- if .bucket }}
- { name: S3_BUCKET, value: {{ .bucket | quote }} }
- { name: S3_REGION, value: {{ .region | quote }} }
{{- if .endpoint }}
- { name: S3_ENDPOINT, value: {{ .endpoint | quote }} }
{{- end }}
{{- if .forcePathStyle }}
- { name: S3_FORCE_PATH_STYLE, value: "true" }
{{- end }}
{{- if .prefix }}
- { name: S3_PREFIX, value: {{ .prefix | quote }} }
{{- end }}
{{- if .existingSecret }}
- { name: S3_ACCESS_KEY_ID_FILE, value: /etc/facepass/s3/access-key-id }
- { name: S3_SECRET_ACCESS_KEY_FILE, value: /etc/facepass/s3/secret-access-key }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Metadata and spec of an inference pod (inference.mode=standalone). */}}
{{- define "facepass.inferencePod" -}}
metadata:
  labels:
    {{- include "facepass.labels" (dict "root" . "component" "inference") | nindent 4 }}
    {{- with .Values.inference.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (deepCopy .Values.inference.podAnnotations) (include "facepass.checksums" . | fromYaml) }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "facepass.serviceAccountName" (dict "root" . "component" "inference") }}
  {{- include "facepass.podBasics" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .Values.inference.terminationGracePeriodSeconds }}
  {{- include "facepass.podScheduling" .Values.inference | nindent 2 }}
  {{- include "facepass.topologySpread" (dict "root" . "component" "inference") | nindent 2 }}
  {{- with .Values.inference.initContainers }}
  initContainers: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{- include "facepass.inferenceContainer" . | nindent 6 }}
    {{- with .Values.inference.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "facepass.commonVolumes" . | nindent 4 }}
    {{- if .Values.tls.enabled }}
    - name: inference-tls
      secret: { secretName: {{ include "facepass.tlsSecret" . }} }
    {{- end }}
    {{- include "facepass.inferenceVolumes" (dict "root" . "needed" true) | nindent 4 }}
{{- end }}

{{- define "facepass.inferenceVolumes" -}}
{{- if .needed }}
{{- with .root.Values.inference.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
- name: scratch
  emptyDir: { sizeLimit: 64Mi }
{{- with .root.Values.inference.models.volume }}
- name: models
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "facepass.inferenceContainer" -}}
{{- $sidecar := eq .Values.inference.mode "sidecar" -}}
name: inference
image: {{ include "facepass.image" (dict "root" . "image" .Values.inference.image) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {{- include "facepass.containerSecurity" . | nindent 2 }}
ports:
  {{- if not $sidecar }}
  - { name: grpc, containerPort: 50051 }
  {{- end }}
  - { name: {{ $sidecar | ternary "inf-metrics" "metrics" }}, containerPort: {{ $sidecar | ternary 9465 9464 }} }
env:
  - { name: INFERENCE_LISTEN, value: {{ $sidecar | ternary "unix:/run/facepass/inference.sock" "[::]:50051" | quote }} }
  - { name: METRICS_PORT, value: {{ $sidecar | ternary "9465" "9464" | quote }} }
  - { name: ORT_DISABLE_TELEMETRY, value: "1" }
  - { name: LOG_LEVEL, value: {{ .Values.logLevel }} }
  - { name: GRPC_MAX_CONNECTION_AGE_MS, value: "{{ mul .Values.inference.maxConnectionAgeSeconds 1000 }}" }
  {{- with .Values.inference.workers }}
  - { name: INFERENCE_WORKERS, value: {{ . | quote }} }
  {{- end }}
  {{- if .Values.inference.models.volume }}
  - { name: MODELS_DIRECTORY, value: /models }
  {{- end }}
  {{- if .Values.tls.enabled }}
  - { name: GRPC_TLS_CERT_FILE, value: /etc/facepass/inference-tls/tls.crt }
  - { name: GRPC_TLS_KEY_FILE, value: /etc/facepass/inference-tls/tls.key }
  {{- end }}
  {{- include "facepass.modelEnvironment" . | nindent 2 }}
  {{- include "facepass.telemetryEnvironment" . | nindent 2 }}
  {{- include "facepass.commonEnvironment" . | nindent 2 }}
  {{- include "facepass.extraEnvironment" .Values.inference | nindent 2 }}
{{ include "facepass.probes" (dict "probes" .Values.inference.probes "port" ($sidecar | ternary "inf-metrics" "metrics") "started" "/readyz") }}
lifecycle:
  preStop: { sleep: { seconds: {{ .Values.inference.preStopSeconds }} } }
resources: {{- toYaml .Values.inference.resources | nindent 2 }}
volumeMounts:
  {{- include "facepass.commonMounts" . | nindent 2 }}
  {{- with .Values.inference.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  - { name: scratch, mountPath: /tmp }
  {{- if $sidecar }}
  - { name: socket, mountPath: /run/facepass }
  {{- end }}
  {{- if .Values.tls.enabled }}
  - { name: inference-tls, mountPath: /etc/facepass/inference-tls, readOnly: true }
  {{- end }}
  {{- if .Values.inference.models.volume }}
  - { name: models, mountPath: /models, readOnly: true }
  {{- end }}
{{- end }}

{{/* Indexes, searches and erases a sample photo as a client would: `helm test`, and the operator against each candidate, whose address it sets. Call with (dict "root" $ "url" "http://…"). */}}
{{- define "facepass.smokeTestPodSpec" -}}
restartPolicy: Never
{{ include "facepass.podBasics" .root }}
activeDeadlineSeconds: 120
{{- include "facepass.podScheduling" (pick .root.Values.migration "nodeSelector" "tolerations") }}
containers:
  - name: smoke-test
    image: {{ include "facepass.image" (dict "root" .root "image" .root.Values.api.image) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    securityContext: {{- include "facepass.containerSecurity" .root | nindent 6 }}
    args: [services/api/smoke-test.ts, --key-file, /etc/facepass/smoke-test/api-key]
    {{- with .url }}
    env:
      - { name: SMOKE_TEST_URL, value: {{ . | quote }} }
    {{- end }}
    resources:
      requests: { cpu: 50m, memory: 64Mi }
      limits: { memory: 256Mi }
    volumeMounts:
      - { name: smoke-test, mountPath: /etc/facepass/smoke-test, readOnly: true }
volumes:
  - name: smoke-test
    secret: { secretName: {{ include "facepass.smokeTestSecret" .root }} }
{{- end }}
