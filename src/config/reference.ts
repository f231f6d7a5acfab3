import { z } from 'zod';
import { configSchema } from './schema.ts';

interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
}

function typeOf(node: Node): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  if (node.type === 'array') return `list of ${typeOf(node.items ?? {})}`;
  return [node.type ?? 'string'].flat().join(' or ');
}

function rowsOf(node: Node, path: string): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = path === '' ? key : `${path}.${key}`;
    if (child.properties !== undefined) return rowsOf(child, name);
    const isRequired = node.required?.includes(key) === true && child.default === undefined;
    const fallback =
      child.default === undefined ? (isRequired ? '**required**' : '') : `\`${JSON.stringify(child.default)}\``;
    return [`| \`${name}\` | ${typeOf(child)} | ${fallback} | ${child.description ?? ''} |`];
  });
}

/** docs/config.md: every key of the configuration with type, default and meaning. */
export function configReference(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Node;
  return [
    '# Configuration',
    '',
    'The file that `nodeless run --config FILE` reads, in YAML or JSON. Durations are written `500ms`, `40s`, `5m`, `1h30m`;',
    'quantities as in Kubernetes. Unknown keys are refused with the nearest right one.',
    '',
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rowsOf(schema, ''),
    '',
  ].join('\n');
}
