import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** Files that compose: they may import anything, and only they and `src/cli` import them. */
const COMPOSING = [
  'cell-service.ts',
  'main.ts',
  'page-service.ts',
  'placement-service.ts',
  'pod-service.ts',
  'provider-choice.ts',
  'routing-target.ts',
  'shared-collections.ts',
  'virtual-node-leader.ts',
  'virtual-node-service.ts',
  'warm-pool-service.ts',
  'webhook-service.ts',
  'zone-service.ts',
];

/** What a folder may import from, beside itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/pki': [],
  'src/telemetry': ['src/core', 'package.json'],
  'src/config': ['src/core'],
  'src/kube': ['src/core', 'package.json'],
  'src/virtual-node': ['src/core', 'src/kube', 'src/config'],
  'src/placement': ['src/core', 'src/kube', 'providers/contract.ts'],
  'src/cells': [
    'src/core',
    'src/telemetry',
    'src/kube',
    'src/cell-api/ports.ts',
    'src/kubelet-endpoint/ports.ts',
    'providers/contract.ts',
  ],
  'src/agents': ['src/core', 'src/kube', 'src/cells', 'src/placement', 'src/pods'],
  'src/pods': ['src/core', 'src/telemetry', 'src/kube', 'src/cells', 'src/placement'],
  'src/cell-api': ['src/core', 'src/telemetry', 'src/kube', 'src/pki', 'providers/contract.ts'],
  'src/kubelet-endpoint': ['src/core', 'src/telemetry', 'src/kube', 'src/pki'],
  'src/local-cluster': ['src/core', 'src/kube', 'src/config', 'src/pki', 'src/install', 'providers/local'],
  'src/install': ['src/core', 'src/kube', 'src/config'],
  'src/image': ['src/core', 'src/local-cluster/images', 'package.json'],
  'src/ui': [
    'src/core',
    'src/telemetry',
    'src/kube',
    'src/cells',
    'src/placement',
    'src/pods',
    'src/kubelet-endpoint/ports.ts',
  ],
  'src/warm-pool/policy': ['src/core'],
  'src/warm-pool/simulation': ['src/core', 'src/warm-pool/policy'],
  'src/warm-pool': ['src/core', 'src/telemetry', 'src/kube', 'src/cells', 'src/placement', 'src/pods'],
  'src/interruption': ['src/core', 'src/kube', 'src/cells', 'src/placement', 'src/pods', 'providers/contract.ts'],
  webhooks: ['src/core', 'src/telemetry', 'src/kube', 'src/pki'],
  providers: ['src/core', 'src/telemetry'],
};

async function sources(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/** Paths, from the root, of our own files that a source imports. */
function importsOf(file: string, text: string): readonly string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(([, path]) => path ?? '');
  return specifiers.map((path) => relative(ROOT, resolve(ROOT, dirname(file), path)));
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function violations(folder: string, allowed: readonly string[], file: string, text: string): readonly string[] {
  return importsOf(file, text)
    .filter((path) => ![folder, ...allowed].some((place) => isWithin(path, place)))
    .map((path) => `${file} imports ${path}`);
}

describe('import directions', () => {
  test.each(Object.entries(ALLOWED))('%s imports only what it may', async (folder, allowed) => {
    const files = await sources(folder);
    expect(files.length).toBeGreaterThan(0);
    const found = await Promise.all(
      files.map(async (file) => violations(folder, allowed, file, await readFile(join(ROOT, file), 'utf8'))),
    );
    expect(found.flat()).toEqual([]);
  });

  test('every folder under src has a rule, or composes', async () => {
    const folders = (await readdir(join(ROOT, 'src'), { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const unruled = folders.map(({ name }) => `src/${name}`).filter((folder) => ALLOWED[folder] === undefined);
    expect(unruled).toEqual(['src/cli']);
  });

  test('no file composes but those that are known to', async () => {
    const entries = await readdir(join(ROOT, 'src'), { withFileTypes: true });
    expect(
      entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    ).toEqual(COMPOSING);
  });

  test('an import against the arrows is found', () => {
    const bad =
      "import { a } from '../kube/client.ts';\nexport { b } from '../pods/decide.ts';\nconst c = await import('../main.ts');";
    expect(violations('src/core', [], 'src/core/bad.ts', bad)).toHaveLength(3);
  });
});
