import { mkdtemp, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isKept, packageFolders } from '../../../src/image/contents.ts';
import { DEFAULT_REFERENCE, IMAGE_CONFIG, providerImage } from '../../../src/image/provider-image.ts';
import { writeRoot } from '../../../src/image/root-folder.ts';
import { directory, file, symlink } from '../../../src/local-cluster/images/entry.ts';

const DOCKERFILE = await readFile(new URL('../../../deploy/image/Dockerfile', import.meta.url), 'utf8');
const LIMIT_BYTES = 200_000_000;

test('packages of development and the one that brings Node.js stay out, nested ones that run are in', () => {
  const packages = {
    '': {},
    'node_modules/a': {},
    'node_modules/a/node_modules/b': {},
    'node_modules/dev': { dev: true },
    'node_modules/node': {},
  };
  expect(packageFolders({ packages })).toEqual(['node_modules/a', 'node_modules/a/node_modules/b']);
});

test.each([
  ['index.js', true],
  ['index.mjs', true],
  ['package.json', true],
  ['LICENSE-MIT', true],
  ['licence', true],
  ['index.d.ts', false],
  ['index.js.map', false],
  ['README.md', false],
])('%s of a package is kept: %s', (name, kept) => {
  expect(isKept(name)).toBe(kept);
});

test('the Dockerfile runs the same program, as the same user, on the same ports', () => {
  const said = (word: string) => new RegExp(`^${word} (.*)$`, 'm').exec(DOCKERFILE)?.[1] ?? '';
  expect({
    user: said('USER'),
    workingDir: DOCKERFILE.match(/^WORKDIR (.*)$/gm)
      ?.at(-1)
      ?.slice('WORKDIR '.length),
    entrypoint: JSON.parse(said('ENTRYPOINT')),
    cmd: JSON.parse(said('CMD')),
    exposedPorts: said('EXPOSE').split(' '),
  }).toEqual(IMAGE_CONFIG);
  expect(DOCKERFILE).toContain('nodeless image --folder /image');
});

test('the image is smaller than 200 MB, runs as nobody, and has what it runs but no tests, shell or types', async () => {
  const { config, layers, reference } = await providerImage(DEFAULT_REFERENCE, new AbortController().signal);
  const entries = layers.flat();
  const paths = new Set(entries.map(({ path }) => path));
  const bytes = entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.content.length : 0), 0);
  expect(bytes).toBeLessThan(LIMIT_BYTES);
  expect(bytes).toBeGreaterThan(LIMIT_BYTES / 2);
  expect(reference).toMatch(/^nodeless\.local\/nodeless:\d/);
  expect(config.user).toBe('65532:65532');
  for (const path of [
    'usr/bin/node',
    'app/src/cli/main.ts',
    'app/deploy/manifests/rbac.yaml',
    'app/node_modules/zod/package.json',
  ])
    expect(paths, path).toContain(path);
  expect([...paths].filter((path) => /^app\/(test|docs)\/|^bin\/|vitest|typescript\/|\.d\.ts$/.test(path))).toEqual([]);
});

test('a root file system is written with its modes and links', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'root-'));
  try {
    const layers = [[file('usr/bin/a', 'a', 0o755), symlink('bin', 'usr/bin'), directory('tmp', 0o1777)]];
    await writeRoot({ reference: 'r', config: {}, layers }, folder);
    expect(await readFile(join(folder, 'bin/a'), 'utf8')).toBe('a');
    expect(await readlink(join(folder, 'bin'))).toBe('usr/bin');
    expect((await stat(join(folder, 'usr/bin/a'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(folder, 'tmp'))).mode & 0o7777).toBe(0o1777);
  } finally {
    await rm(folder, { recursive: true });
  }
});
