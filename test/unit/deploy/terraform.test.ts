import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { awsEc2 } from '../../../src/config/aws-ec2-fields.ts';
import { configSchema } from '../../../src/config/schema.ts';

// Its types bring those of browsers, which contradict Node.js' own.
const require = createRequire(import.meta.url);
const { parse } = require('@cdktf/hcl2json') as { parse(name: string, text: string): Promise<object> };

const AT = new URL('../../../deploy/terraform/', import.meta.url);
const MANIFESTS = new URL('../../../deploy/manifests/rbac.yaml', import.meta.url);

interface Described {
  readonly description?: string;
  readonly default?: unknown;
}

type Named<T> = Readonly<Record<string, readonly T[]>>;

interface Module {
  readonly variable?: Named<Described>;
  readonly output?: Named<Described>;
  readonly resource?: Readonly<Record<string, Named<object>>>;
  readonly data?: Readonly<Record<string, Named<object>>>;
  readonly locals?: readonly object[];
}

async function file(name: string): Promise<string> {
  return readFile(new URL(name, AT), 'utf8');
}

const NAMES = ['main.tf', 'variables.tf', 'outputs.tf'];
const TEXT = (await Promise.all(NAMES.map(file))).join('\n');
const [MAIN = {}, VARIABLES = {}, OUTPUTS = {}] = await Promise.all(
  NAMES.map(async (name) => (await parse(name, await file(name))) as Module),
);

/** What a text refers to, without what stands before it. */
function referred(pattern: RegExp, text = TEXT): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

function addresses(blocks: Module['resource'] = {}): readonly string[] {
  return Object.entries(blocks).flatMap(([type, named]) => Object.keys(named).map((name) => `${type}.${name}`));
}

/** What is referred to and not there. */
function missing(text = TEXT): readonly string[] {
  const locals = (MAIN.locals ?? []).flatMap((block) => Object.keys(block));
  const unknown = (names: readonly string[], known: readonly string[]) => names.filter((name) => !known.includes(name));
  return [
    ...unknown(referred(/\bvar\.(\w+)/g, text), Object.keys(VARIABLES.variable ?? {})),
    ...unknown(referred(/\blocal\.(\w+)/g, text), locals),
    ...unknown(referred(/\bdata\.(aws_\w+\.\w+)/g, text), addresses(MAIN.data)),
    ...unknown(referred(/(?<!data\.)\b(aws_\w+\.\w+)/g, text), addresses(MAIN.resource)),
  ];
}

test('the Terraform module refers to what it has, and has what it describes', () => {
  expect(missing()).toEqual([]);
  expect(missing('var.nothing local.less data.aws_x.y aws_iam_role.none')).toHaveLength(4);
  const variables = Object.entries(VARIABLES.variable ?? {});
  expect(variables.map(([name]) => name).sort()).toEqual(referred(/\bvar\.(\w+)/g));
  for (const [name, [block]] of [...variables, ...Object.entries(OUTPUTS.output ?? {})])
    expect(block?.description, name).toMatch(/\.$/);
});

test('the Terraform module gives the policy that is documented, for the role of cells and the queue', async () => {
  const [path = ''] = referred(/file\("\$\{path\.module\}\/([^"]+)"\)/g);
  expect(existsSync(new URL(path, AT))).toBe(true);
  const policy = await file(path);
  for (const placeholder of ['ACCOUNT_ID', 'ROLE_OF_CELLS', 'QUEUE_OF_INTERRUPTIONS']) {
    expect(policy).toContain(placeholder);
    expect(TEXT).toContain(`"${placeholder}"`);
  }
});

test('the Terraform module is about the ServiceAccount and the ports that there are', async () => {
  const accounts = parseAllDocuments((await readFile(MANIFESTS, 'utf8')).replaceAll('NAMESPACE', 'nodeless-system'))
    .map((document) => document.toJS() as { kind?: string; metadata: { name: string; namespace: string } })
    .filter(({ kind }) => kind === 'ServiceAccount');
  const byDefault = (name: string) => VARIABLES.variable?.[name]?.[0]?.default;
  expect(accounts.map(({ metadata }) => [metadata.namespace, metadata.name])).toEqual([
    [byDefault('namespace'), byDefault('service_account')],
  ]);
  const { kubeletEndpoint, webhook } = configSchema.parse({ virtualNode: { address: '10.0.0.1' } });
  const [ports] = (MAIN.locals ?? [])
    .flatMap((block) => Object.entries(block))
    .filter(([name]) => name === 'provider_ports');
  expect(ports?.[1]).toEqual({ kubelet_endpoint: kubeletEndpoint.port, webhooks: webhook.port });
});

test('what the Terraform module has told to the queue is what is documented', async () => {
  const page = await readFile(new URL('../../docs/aws-ec2.md', AT), 'utf8');
  const [, documented = '{}'] = /--event-pattern '([^']+)'/.exec(page) ?? [];
  const types = (JSON.parse(documented.replaceAll(/\s*\n\s*/g, ' ')) as { readonly 'detail-type': readonly string[] })[
    'detail-type'
  ];
  const [pattern = ''] = referred(/event_pattern = jsonencode\(\{([\s\S]*?)\}\)/g);
  const ours = [...pattern.replace(/^\s*source.*$/m, '').matchAll(/"([^"]+)"/g)].map(([, type]) => type);
  expect(ours.length).toBeGreaterThan(2);
  expect(ours.sort()).toEqual([...types].sort());
});

test('outputs of the Terraform module are told where they go', async () => {
  const readme = await file('README.md');
  for (const name of Object.keys(OUTPUTS.output ?? {})) expect(readme, name).toContain(name);
  const named = [...readme.matchAll(/`awsEc2\.(\w+)`/g)].map(([, key = '']) => key);
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((key) => !(key in awsEc2.shape))).toEqual([]);
});
