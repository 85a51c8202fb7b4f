{{- define "redkite.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "redkite.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "redkite.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "redkite.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "redkite.selector" -}}
app.kubernetes.io/name: {{ include "redkite.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
component: standalone
{{- end -}}

{{- define "redkite.labels" -}}
{{ include "redkite.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "redkite.image" -}}
{{- printf "%s:%s" .Values.image.all.repository (default .Chart.AppVersion .Values.image.all.tag) -}}
{{- end -}}

{{- define "redkite.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "redkite.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* One file of extraConfigFiles as text: written as a text, or as a mapping. */}}
{{- define "redkite.configText" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toYaml . }}{{- end -}}
{{- end -}}

{{/* What user.yaml says, parsed; an empty mapping where it says nothing. Called with fromYaml around it. */}}
{{- define "redkite.user" -}}
{{- if not .Values.customConfigMap -}}
{{- $text := include "redkite.configText" (index (default (dict) .Values.extraConfigFiles) "user.yaml" | default "") -}}
{{- $parsed := fromYaml $text -}}
{{- if hasKey $parsed "Error" -}}{{- fail (printf "extraConfigFiles.user.yaml is no YAML: %s" $parsed.Error) -}}{{- end -}}
{{- toYaml $parsed -}}
{{- end -}}
{{- end -}}

{{- define "redkite.grpcPort" -}}
{{- $user := fromYaml (include "redkite.user" .) -}}
{{- dig "proxy" "port" 19530 $user | int -}}
{{- end -}}

{{/* Empty where REST shares the gRPC port. */}}
{{- define "redkite.restPort" -}}
{{- $user := fromYaml (include "redkite.user" .) -}}
{{- $port := dig "proxy" "http" "port" "" $user | toString -}}
{{- if and $port (ne $port (include "redkite.grpcPort" .)) (dig "proxy" "http" "enabled" true $user) -}}{{ $port | int }}{{- end -}}
{{- end -}}

{{- define "redkite.metricsPort" -}}
{{- $user := fromYaml (include "redkite.user" .) -}}
{{- dig "common" "MetricsPort" 9091 $user | int -}}
{{- end -}}

{{- define "redkite.tlsSecret" -}}
{{- if .Values.tls.secretName -}}{{ .Values.tls.secretName }}
{{- else if .Values.tls.certManager.enabled -}}{{ include "redkite.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* A proxy where user.yaml names an upstream. */}}
{{- define "redkite.role" -}}
{{- $user := fromYaml (include "redkite.user" .) -}}
{{- ternary "proxy" "standalone" (ne (dig "redkite" "upstream" "uri" "" $user) "") -}}
{{- end -}}

{{/* "true" where the pod speaks TLS, by the chart's tls or by user.yaml. */}}
{{- define "redkite.isEncrypted" -}}
{{- $user := fromYaml (include "redkite.user" .) -}}
{{- if or (include "redkite.tlsSecret" .) (ne (dig "common" "security" "tlsMode" 0 $user | int) 0) -}}true{{- end -}}
{{- end -}}

{{/* What this chart cannot do is refused here, before anything is rendered. */}}
{{- define "redkite.refusals" -}}
{{- if .Values.cluster.enabled -}}
{{- fail "cluster.enabled: Redkite is one process; set cluster.enabled=false, or install Milvus and put Redkite before it" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.enabled: name the issuer: tls.certManager.issuerRef.name" -}}
{{- end -}}
{{- if and (not .Values.customConfigMap) (gt (len (keys (default (dict) .Values.extraConfigFiles) | uniq)) 1) -}}
{{- range $name, $_ := .Values.extraConfigFiles -}}
{{- if not (has $name (list "milvus.yaml" "default.yaml" "user.yaml")) -}}
{{- fail (printf "extraConfigFiles.%s is read by nothing: move its content to user.yaml" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
