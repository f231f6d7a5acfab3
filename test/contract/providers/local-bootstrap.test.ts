import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bootstrapScript } from '../../../providers/kubelet/bootstrap-script.ts';
import { CLIENT_PAIR } from '../../../providers/kubelet/signing-request.ts';
import { prepareBootstrap } from '../../../providers/local/machine/identity.ts';
import { type StandInCellApi, startStandInCellApi } from './stand-in-cell-api.ts';

const TOKEN = `c-1.${'0'.repeat(64)}`;

describe("a machine's first certificate", () => {
  let api: StandInCellApi;
  let directory: string;
  let running: ChildProcess | undefined;

  beforeEach(async () => {
    api = await startStandInCellApi();
    directory = await mkdtemp(join(tmpdir(), 'nodeless-'));
    await mkdir(join(directory, 'pki'));
    await writeFile(join(directory, 'bootstrap.sh'), bootstrapScript({ directory }));
  });

  afterEach(async () => {
    running?.kill('SIGKILL');
    await api.close();
    await rm(directory, { recursive: true, force: true });
  });

  const prepare = (server = api.url) =>
    prepareBootstrap(directory, 'vnode', { server, caPem: api.caPem, token: TOKEN });

  function start(): ChildProcess {
    running = spawn('sh', ['./bootstrap.sh'], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
    return running;
  }

  async function run(): Promise<string> {
    const child = start();
    const told = child.stdout?.toArray();
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    return Buffer.concat((await told) ?? []).toString();
  }

  const keys = () => new Set(api.requests.flatMap(({ keyFingerprint }) => keyFingerprint ?? []));

  /** The fingerprint of the pair's key, which is checked to be its certificate's. */
  async function keyOfPair(): Promise<string> {
    const pair = await readFile(join(directory, CLIENT_PAIR), 'utf8');
    const certificate = new X509Certificate(pair);
    expect(certificate.checkPrivateKey(createPrivateKey(pair.slice(pair.indexOf('-----BEGIN PRIVATE KEY'))))).toBe(
      true,
    );
    return createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  }

  test('is kept as a kubelet keeps it, and the token with nothing', async () => {
    await prepare();
    expect(await run()).toBe('');
    expect(keys()).toEqual(new Set([await keyOfPair()]));
    expect((await lstat(join(directory, CLIENT_PAIR))).isSymbolicLink()).toBe(true);
    expect((await stat(join(directory, CLIENT_PAIR))).mode & 0o077).toBe(0);
    expect((await readdir(directory)).sort()).toEqual(['bootstrap.sh', 'pki']);
  });

  test('is asked for with one key, however often it is prepared', async () => {
    await Promise.all([prepare(), prepare(), prepare()]);
    await run();
    expect(keys().size).toBe(1);
    expect((await readdir(directory)).sort()).toEqual(['bootstrap.sh', 'pki']);
  });

  test('is asked for until it is there, with the same key, whatever the answers', async () => {
    api.mishaps.push('answer lost', 401, 503, 'answer lost', 500, 429, 401);
    await prepare();
    const told = await run();
    expect(keys()).toEqual(new Set([await keyOfPair()]));
    expect(api.mishaps).toEqual([]);
    for (const status of ['000', '401', '503', '500', '429']) expect(told).toContain(`asking on: ${status}`);
    expect(told).not.toContain(TOKEN);
  });

  test('is got by a program that is killed at any instant and run again', async () => {
    for (const afterMs of [0, 2, 5, 8, 11, 14, 17, 20, 24, 28, 35]) {
      await rm(join(directory, 'pki'), { recursive: true });
      await rm(join(directory, 'bootstrap'), { recursive: true, force: true });
      await mkdir(join(directory, 'pki'));
      const before = keys();
      await prepare();
      const child = start();
      // It may be through before.
      const ended = once(child, 'exit');
      await sleep(afterMs);
      child.kill('SIGKILL');
      await ended;
      const isThere = await stat(join(directory, CLIENT_PAIR)).catch(() => undefined);
      if (isThere === undefined) await run();
      const used = await keyOfPair();
      expect(
        [...keys()].filter((key) => !before.has(key)),
        `${afterMs} ms`,
      ).toEqual([used]);
    }
  });

  test('is asked for while nobody listens, which is told once', async () => {
    await prepare('https://127.0.0.1:1');
    const child = start();
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await sleep(1_500);
    expect(child.exitCode).toBeNull();
    expect(Buffer.concat(chunks).toString().trim().split('\n')).toHaveLength(1);
  });
});
