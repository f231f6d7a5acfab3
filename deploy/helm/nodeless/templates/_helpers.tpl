{{/* Every template gets `$`. What is computed here is computed by src/install for `nodeless install`; a test compares all of it. */}}

{{- define "nodeless.label" -}}
{{ . | replace "." "-" | trunc 63 | regexFind "^.*[^-]" }}
{{- end }}

{{- define "nodeless.workload" -}}
{{ include "nodeless.label" (printf "nodeless-%s" .Values.virtualNode.name) }}
{{- end }}

{{- define "nodeless.metricsService" -}}
{{ include "nodeless.label" (printf "nodeless-metrics-%s" .Values.virtualNode.name) }}
{{- end }}

{{- define "nodeless.image" -}}
{{ required "image.repository: is required, for no image is published; docs/image.md says how one is built" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The configuration of the provider, held to what one in a pod can do. */}}
{{- define "nodeless.configuration" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config.provider }}{{ fail "config.provider: is required in a cluster, for local cells can not be launched from a pod" }}{{ end -}}
{{- if eq $config.provider "local" }}{{ fail "config.provider: local cells can not be launched from a pod; run it on the machine, nodeless run" }}{{ end -}}
{{- $node := $config.virtualNode | default dict -}}
{{- if $node.address }}{{ fail "config.virtualNode.address: is the pod's own in a cluster; remove it" }}{{ end -}}
{{- if and $config.webhook (hasKey $config.webhook "enabled") (not $config.webhook.enabled) }}{{ fail "config.webhook.enabled: its server has the probes and metrics too; set webhooks.enabled: false instead" }}{{ end -}}
{{- $_ := set $config "virtualNode" (merge (dict "name" .Values.virtualNode.name) $node) -}}
{{- $_ := set $config "cluster" (merge (dict "namespace" .Release.Namespace) ($config.cluster | default dict)) -}}
{{- $cellApi := $config.cellApi | default dict -}}
{{- if not (hasKey $cellApi "leaderService") }}{{ $_ := set $cellApi "leaderService" true }}{{ end -}}
{{- $_ := set $config "cellApi" $cellApi -}}
{{ toYaml $config }}
{{- end }}

{{/* A port of the configuration, by its section, or the default; `last` for the one of the last zone. */}}
{{- define "nodeless.port" -}}
{{- $section := index .root.Values.config .section | default dict -}}
{{- $zones := ((.root.Values.config.zones | default dict).names) | default list -}}
{{- $more := ternary (max 0 (sub (len $zones) 1)) 0 (and .last (gt (len $zones) 0)) -}}
{{ add ($section.port | default .default) $more }}
{{- end }}

{{/* The virtual nodes as a JSON list: name, Service of its cells, port of its cell API. */}}
{{- define "nodeless.nodes" -}}
{{- $name := .Values.virtualNode.name -}}
{{- $port := include "nodeless.port" (dict "root" . "section" "cellApi" "default" 8443 "last" false) | int -}}
{{- $zones := ((.Values.config.zones | default dict).names) | default list -}}
{{- $nodes := list -}}
{{- if $zones }}{{- range $index, $zone := $zones -}}
{{- $node := printf "%s-%s" $name $zone -}}
{{- $nodes = append $nodes (dict "name" $node "cellsService" (include "nodeless.label" (printf "nodeless-cells-%s" $node)) "cellApiPort" (add $port $index)) -}}
{{- end }}{{ else -}}
{{- $nodes = append $nodes (dict "name" $name "cellsService" (include "nodeless.label" (printf "nodeless-cells-%s" $name)) "cellApiPort" $port) -}}
{{- end -}}
{{ toJson $nodes }}
{{- end }}

{{/* A JSON list with what is written about each virtual node. */}}
{{- define "nodeless.each" -}}
{{- $list := list -}}
{{- $format := .format -}}
{{- range include "nodeless.nodes" .root | fromJsonArray }}{{ $list = append $list (printf $format .name) }}{{ end -}}
{{ toJson $list }}
{{- end }}
