import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeBundle } from '../../../src/cli/bundle/bundle.ts';
import { partsOf } from '../../../src/cli/bundle/parts.ts';
import { scrubbed, scrubbedJson } from '../../../src/cli/bundle/redaction.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

/** What must not be in a bundle, wherever it was. */
const CANARY = 'canary-3f9a1c';
const JWT = `eyJhbGciOiJSUzI1NiJ9.${CANARY.replace('-', 'A')}eyJzdWIi.${CANARY.replace('-', 'B')}`;
const PEM = `-----BEGIN EC PRIVATE KEY-----\n${CANARY}\n-----END EC PRIVATE KEY-----`;

const POD = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    annotations: {
      'nodeless.io/cell': 'cell-kept',
      'kubectl.kubernetes.io/last-applied-configuration': `{"env":"${CANARY}"}`,
      'example.com/other': CANARY,
    },
    managedFields: [{ manager: CANARY }],
  },
  spec: {
    nodeName: 'vnode',
    volumes: [{ name: 'v', secret: { secretName: CANARY } }],
    containers: [
      {
        name: 'main',
        image: 'nginx-kept',
        command: ['sh', '-c', `run --key=${CANARY}`],
        args: [CANARY],
        env: [{ name: 'A', value: CANARY }],
        livenessProbe: { httpGet: { httpHeaders: [{ name: 'X', value: CANARY }] } },
        resources: { requests: { cpu: '250m' } },
      },
    ],
  },
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'main', restartCount: 1, lastState: { terminated: { exitCode: 7, message: CANARY } } }],
  },
};
const LOG = [
  'level=info kept-in-the-log',
  `Authorization: Bearer ${CANARY}.xyz`,
  `{"msg":"login","password":"${CANARY}","user":"kept-user"}`,
  `{"msg":"body {\\"token\\": \\"${CANARY} x\\"}"}`,
  `DB_PASSWORD=${CANARY} https://admin:${CANARY}@db.example.com/`,
  PEM,
  JWT,
].join('\n');

const LISTS: Readonly<Record<string, object>> = {
  '/version': { gitVersion: 'v1.34.4-kept' },
  '/api/v1/pods': { items: [POD] },
  '/api/v1/namespaces/nodeless-system/pods': {
    items: [{ ...POD, metadata: { ...POD.metadata, name: 'nodeless-0', namespace: 'nodeless-system' } }],
  },
  '/api/v1/namespaces/nodeless-system/configmaps/nodeless': {
    data: { 'nodeless.yaml': `registryMirror: http://u:${CANARY}@mirror\nprovider: local` },
  },
  '/apis/nodeless.io/v1alpha1/cellclasses': {
    items: [{ metadata: { name: 'default' }, spec: { userData: `export X=${CANARY}`, image: 'ami-kept' } }],
  },
  '/api/v1/events': { items: [{ metadata: { name: 'e' }, message: `kept-event failed with token=${CANARY}` }] },
};

describe('a bundle', () => {
  let folder: string;
  let api: Awaited<ReturnType<typeof scriptedApiServer>>;
  const asked: string[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bundle-'));
    asked.length = 0;
    api = await scriptedApiServer((request, response: ServerResponse, { pathname }) => {
      asked.push(pathname);
      if (request.method !== 'GET') answer(response, 403, { message: `${request.method} is not allowed` });
      else if (pathname.endsWith('/log')) response.end(LOG);
      else if (pathname.endsWith('/proxy/metrics')) response.end('nodeless_leader 1\n');
      else if (pathname.endsWith('/leases')) answer(response, 403, { message: 'leases are forbidden' });
      else answer(response, 200, LISTS[pathname] ?? { items: [] });
    });
  });
  afterEach(async () => {
    await api.close();
    await rm(folder, { recursive: true });
  });

  async function bundle(file = join(folder, 'b.tar.gz')) {
    const { signal } = new AbortController();
    const patient = {
      client: api.client,
      clock: systemClock,
      signal,
      virtualNode: 'nodeless',
      namespace: 'nodeless-system',
      nodes: ['vnode'],
    };
    return writeBundle({ folder: 'b', file, parts: await partsOf(patient) }, signal);
  }

  async function contents(): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string>();
    const tar = Readable.from([gunzipSync(await readFile(join(folder, 'b.tar.gz')))]).pipe(extract());
    for await (const entry of tar) files.set(entry.header.name, await text(entry));
    return files;
  }

  test('has what tells what is wrong, and no secret, wherever it stood', async () => {
    await bundle();
    const files = await contents();
    const all = [...files.values()].join('\n');
    expect(all).not.toContain(CANARY);
    expect(all).not.toMatch(/canaryA3f9a1c|canaryB3f9a1c|PRIVATE KEY-----\n/);
    for (const kept of [
      'cell-kept',
      'nginx-kept',
      'kept-in-the-log',
      'kept-user',
      'v1.34.4-kept',
      'ami-kept',
      'kept-event',
      '250m',
    ])
      expect(all, kept).toContain(kept);
    expect([...files.keys()]).toEqual(
      expect.arrayContaining([
        'b/doctor.txt',
        'b/status.json',
        'b/metrics/vnode.txt',
        'b/logs/nodeless-0/main.log',
        'b/logs/nodeless-0/main-before.log',
      ]),
    );
  });

  test('reads no Secret', async () => {
    await bundle();
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.filter((path) => /\/secrets(\/|$)/.test(path))).toEqual([]);
  });

  test('says what it could not read, and has the rest', async () => {
    const { missing } = await bundle();
    expect(missing).toEqual([expect.stringMatching(/^objects\/leases\.json: .*403.*leases are forbidden/)]);
    expect((await contents()).get('b/missing.txt')).toContain('leases are forbidden');
  });

  test('has JSON that programs read', async () => {
    await bundle();
    for (const [name, content] of await contents()) {
      if (name.endsWith('.json')) expect(() => JSON.parse(content), name).not.toThrow();
    }
  });

  test('is for the eyes of who made it, and replaces nothing', async () => {
    await bundle();
    expect((await stat(join(folder, 'b.tar.gz'))).mode & 0o777).toBe(0o600);
    await expect(bundle()).rejects.toThrow(/b\.tar\.gz can not be written: .*EEXIST.*; name another with --file/);
    await expect(bundle(join(folder, 'none', 'b.tar.gz'))).rejects.toMatchObject({ code: 'ConfigInvalid' });
  });
});

describe('what looks like a secret', () => {
  test.each([
    ['password: hunter2 next', 'password: [redacted] next'],
    ['"apiKey": "a \\" b", "x": 1', '"apiKey": "[redacted]", "x": 1'],
    ['AKIAABCDEFGHIJKLMNOP', '[redacted]'],
    ['token abcdef.0123456789abcdef', 'token [redacted]'],
    ['https://s3/x?X-Amz-Signature=abc&y=1', 'https://s3/x?X-Amz-Signature=[redacted]&y=1'],
    ['the token was refused', 'the token was refused'],
    ['pods are "web", image "nginx:1.27"', 'pods are "web", image "nginx:1.27"'],
  ])('%s becomes %s', (given, expected) => {
    expect(scrubbed(given)).toBe(expected);
  });

  test('is gone from JSON under a name that says so, and what is left is JSON, even when it is scrubbed again', () => {
    const secret = fc.string({ minLength: 6, maxLength: 30 }).map((value) => `Zq${value}qZ`);
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('password', 'dbToken', 'clientSecret', 'userData', 'api_key'),
        (value, key) => {
          const told = scrubbed(scrubbedJson({ outer: [{ [key]: value, kept: 'yes' }] }));
          expect(JSON.parse(told)).toEqual({ outer: [{ [key]: '[redacted]', kept: 'yes' }] });
        },
      ),
    );
  });
});
