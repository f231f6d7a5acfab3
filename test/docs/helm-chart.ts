import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';
import { KUBELET_SERVING_SIGNER } from '../../src/core/names.ts';
import { documentsOf, fill, isOfNode } from '../../src/install/placeholders.ts';

const DEPLOY = new URL('../../deploy/', import.meta.url);
const CHART = 'deploy/helm/nodeless';
const MADE = '# Made by `npm run docs`; nodeless install applies the same.\n';

function port(section: string, fallback: number, last = false): string {
  return `{{ include "nodeless.port" (dict "root" $ "section" "${section}" "default" ${fallback} "last" ${last}) }}`;
}

/** What Helm puts where `nodeless install` puts the value. */
const EXPRESSIONS = {
  NAMESPACE: '{{ $.Release.Namespace }}',
  VIRTUAL_NODE: '{{ $.Values.virtualNode.name }}',
  WEBHOOK_SERVICE: '{{ include "nodeless.workload" $ }}',
  WORKLOAD: '{{ include "nodeless.workload" $ }}',
  METRICS_SERVICE: '{{ include "nodeless.metricsService" $ }}',
  IMAGE_REFERENCE: '{{ include "nodeless.image" $ | quote }}',
  REPLICAS: '{{ $.Values.replicas }}',
  RESOURCES: '{{ $.Values.resources | toJson }}',
  CONFIGURATION: '{{ include "nodeless.configuration" $ | toJson }}',
  CONFIG_DIGEST: '{{ include "nodeless.configuration" $ | sha256sum | trunc 12 }}',
  CELL_API_FIRST_PORT: port('cellApi', 8443),
  CELL_API_LAST_PORT: port('cellApi', 8443, true),
  KUBELET_FIRST_PORT: port('kubeletEndpoint', 10_250),
  KUBELET_LAST_PORT: port('kubeletEndpoint', 10_250, true),
  WEBHOOK_PORT: port('webhook', 9443),
  NODE_NAME: '{{ $node.name }}',
  NODE_CELLS_SERVICE: '{{ $node.cellsService }}',
  NODE_CELL_API_PORT: '{{ $node.cellApiPort }}',
  SERVING_SIGNER: `{{ ($.Values.config.kubeletEndpoint | default dict).signer | default "${KUBELET_SERVING_SIGNER}" }}`,
  // Their own {{ }} are for Prometheus.
  RULES: '\n{{ $.Files.Get "files/rules.yaml" | indent 2 }}',
} as const;

/** Documents that are there only where a value says so, by a word in them. */
const CONDITIONS: readonly (readonly [word: RegExp, value: string])[] = [
  [/^kind: (Mutating|Validating)WebhookConfiguration$/m, 'webhooks.enabled'],
  [/^ {2}name: WEBHOOK_SERVICE$/m, 'webhooks.enabled'],
  [/^kind: NetworkPolicy$/m, 'networkPolicy.enabled'],
  [/^kind: CellClass$/m, 'defaultCellClass.create'],
  [/^kind: (ServiceMonitor|PrometheusRule)$/m, 'monitors.enabled'],
];

/** What values add, after a line of a document. */
const ADDITIONS: readonly (readonly [line: RegExp, template: string])[] = [
  [
    /^ {6}serviceAccountName: nodeless\n/m,
    '      {{- with $.Values.imagePullSecrets }}\n      imagePullSecrets: {{ toJson . }}\n      {{- end }}\n',
  ],
  [
    /^kind: ServiceAccount\nmetadata:\n/m,
    '  {{- with $.Values.serviceAccount.annotations }}\n  annotations: {{ toJson . }}\n  {{- end }}\n',
  ],
];

/** The value by which one of several releases makes a document that is not of one virtual node. */
function sharing(document: string): readonly string[] {
  const content = document.replaceAll(/^\s*#.*$/gm, '');
  if (/VIRTUAL_NODE|WORKLOAD|WEBHOOK_SERVICE|METRICS_SERVICE|NODE_/.test(content)) return [];
  // Rules are about the series of all virtual nodes, whatever namespace they are read from.
  const isOfNamespace = content.includes('NAMESPACE') && !content.includes('kind: PrometheusRule');
  return [isOfNamespace ? '.Values.sharedInNamespace.create' : '.Values.shared.create'];
}

/** A document as a template. */
function template(document: string): string {
  const lists = document.replaceAll(
    /\[([^\][\s]*)EACH_NODE\]/g,
    (_, prefix: string) => `{{ include "nodeless.each" (dict "root" $ "format" "${prefix}%s") }}`,
  );
  const filled = ADDITIONS.reduce(
    (text, [line, added]) => text.replace(line, (whole) => `${whole}${added}`),
    fill(lists, EXPRESSIONS),
  );
  const values = CONDITIONS.filter(([word]) => word.test(document)).map(([, value]) => `.Values.${value}`);
  const needed = [...sharing(document), ...values];
  const [open, close] = isOfNode(document)
    ? ['{{- range $node := include "nodeless.nodes" $ | fromJsonArray }}\n---\n', '{{- end }}\n']
    : ['---\n', ''];
  const whole = `${open}${filled}${close}`;
  return needed.reduceRight((inner, value) => `{{- if ${value} }}\n${inner}{{- end }}\n`, whole);
}

function names(folder: string): readonly string[] {
  return readdirSync(new URL(folder, DEPLOY))
    .filter((name) => name.endsWith('.yaml'))
    .sort();
}

function read(path: string): string {
  return readFileSync(new URL(path, DEPLOY), 'utf8');
}

/** Helm makes the namespace itself. */
function templateOf(path: string): string {
  const documents = documentsOf(read(path)).filter((document) => !/^kind: Namespace$/m.test(document));
  return `${MADE}${documents.map(template).join('')}`;
}

/** What values may be: those of the configuration as `nodeless run` has it, but for what follows from others. */
function valuesSchema(): object {
  const { $schema, ...config } = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const object = (properties: object, required: readonly string[] = []) => ({
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length === 0 ? {} : { required }),
  });
  const flag = (key: string) => object({ [key]: { type: 'boolean' } });
  const quantities = { type: 'object', additionalProperties: { type: ['string', 'number'] } };
  return {
    $schema,
    ...object({
      image: object({ repository: { type: 'string' }, tag: { type: 'string' } }),
      replicas: { type: 'integer', minimum: 1, maximum: 9 },
      resources: object({ requests: quantities, limits: quantities }),
      imagePullSecrets: { type: 'array', items: object({ name: { type: 'string' } }, ['name']) },
      serviceAccount: object({ annotations: { type: 'object', additionalProperties: { type: 'string' } } }),
      // What is required of it is told by the templates, in a sentence.
      config: withoutRequired(config),
      virtualNode: object({ name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$' } }, ['name']),
      webhooks: flag('enabled'),
      shared: flag('create'),
      sharedInNamespace: flag('create'),
      defaultCellClass: flag('create'),
      networkPolicy: flag('enabled'),
      monitors: flag('enabled'),
      global: { type: 'object' },
    }),
  };
}

function withoutRequired(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (schema === null || typeof schema !== 'object') return schema;
  const kept = Object.entries(schema).filter(([key, value]) => !(key === 'required' && Array.isArray(value)));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutRequired(value)]));
}

/** The files of the Helm chart that are made of the manifests, by path from the root; its definitions are a link to ours. */
export function chartFiles(): Readonly<Record<string, () => string>> {
  const templates = ['manifests', 'provider', 'operator'].flatMap((folder) =>
    names(`${folder}/`).map((name) => [`${CHART}/templates/${name}`, () => templateOf(`${folder}/${name}`)] as const),
  );
  return Object.fromEntries([
    ...templates,
    [`${CHART}/files/rules.yaml`, () => read('monitoring/rules.yaml')],
    [`${CHART}/values.schema.json`, () => `${JSON.stringify(valuesSchema(), undefined, 2)}\n`],
  ]);
}
