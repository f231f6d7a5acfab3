import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { createLocalProvider } from '../../../providers/local/provider.ts';
import { cellClass } from '../../support/cell-class.ts';
import { type LocalCloud, openLocalCloud, whyNoLocalCells } from './local-subject.ts';

const TIMEOUT_MS = 120_000;
const PULLED = 'registry.example/pulled/tools:1';
const MISSING = 'registry.example/pulled/nothing:1';
const skipReason = whyNoLocalCells();
const soon = () => AbortSignal.timeout(60_000);

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe.skipIf(skipReason !== undefined)(
  `images of local cells${skipReason === undefined ? '' : `: ${skipReason}`}`,
  () => {
    let cloud: LocalCloud;
    let folder: string;
    let registry: ChildProcess;
    let mirror: string;

    beforeAll(async () => {
      cloud = await openLocalCloud();
      folder = await mkdtemp(join(tmpdir(), 'nodeless-registry-'));
      mirror = `${cloud.router.hostAddress}:${await freePort(cloud.router.hostAddress)}`;
      const file = join(folder, 'registry.yaml');
      const storage = { filesystem: { rootdirectory: join(folder, 'data') } };
      await writeFile(file, stringify({ version: 0.1, log: { level: 'warn' }, storage, http: { addr: mirror } }));
      registry = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
      const answers = () =>
        fetch(`http://${mirror}/v2/`).then(
          ({ status }) => status,
          () => undefined,
        );
      await vi.waitFor(async () => expect(await answers()).toBe(200), { timeout: 20_000, interval: 100 });
      const archive = (await readdir(cloud.options.imagesDir ?? '')).find((name) => name.includes('busybox'));
      const from = `docker-archive:${join(cloud.options.imagesDir ?? '', archive ?? '')}`;
      const to = `docker://${mirror}/pulled/tools:1`;
      await execa('skopeo', ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', from, to]);
    }, TIMEOUT_MS);

    afterAll(async () => {
      registry.kill('SIGKILL');
      await cloud.close();
      await rm(folder, { recursive: true, force: true });
    }, TIMEOUT_MS);

    test('are there when the kubelet is, and one that nobody has does not keep it', {
      timeout: TIMEOUT_MS,
    }, async () => {
      const provider = createLocalProvider({ ...cloud.options, registryMirror: `http://${mirror}` });
      await provider.start(soon());
      expect(provider.pullsImages).toBe(true);
      const cellId = 'pulls';
      const offering = (await provider.offerings(soon())).find(
        ({ instanceType }) => instanceType === 'local-0.25c-0.25g',
      );
      if (offering === undefined) throw new Error('the smallest offering is gone');
      const metadata = { name: cellId, uid: cellId };
      cloud.api.store.put('/api/v1/nodes', { kind: 'Node', apiVersion: 'v1', metadata, spec: {}, status: {} });
      const network = { clusterDns: '10.96.0.10', clusterDomain: 'cluster.local' };
      const bootstrap = { cellApiUrl: cloud.cellApiUrl, caPem: cloud.caPem, nodeName: cellId, ...network };
      const tags = { clusterUid: 'cluster', virtualNode: 'vnode', cellId, pod: '', podUid: '' };
      await provider.launch({ offering, cellClass: cellClass(), tags, bootstrap, images: [PULLED, MISSING] }, soon());
      const path = `/nodes/${cellId}/status`;
      await cloud.api.request(({ method, url }) => method === 'PATCH' && url.includes(path), 60_000);
      const supervisor = String(await cloud.supervisor(cellId));
      const list = ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q'];
      expect(await cloud.router.run('nsenter', '-t', supervisor, '--all', ...list)).toContain(PULLED);
      const told = await readFile(join(cloud.machineDirectory(cellId), 'console.log'), 'utf8');
      expect(told).toContain(`${MISSING} was not pulled`);
      await provider.terminate(cellId, soon());
      await provider.stop();
    });
  },
);
