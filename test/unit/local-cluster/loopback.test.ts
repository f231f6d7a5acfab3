import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../../src/local-cluster/components/command-lines.ts';
import { loopbackRef, simulatedProviderConfig } from '../../../src/local-cluster/loopback/cluster.ts';
import { freePorts } from '../../../src/local-cluster/loopback/free-ports.ts';
import { belongsTo, parsePs } from '../../../src/local-cluster/loopback/removal.ts';
import { identityOf, isAlive } from '../../../src/local-cluster/processes/identity.ts';
import { clusterPaths } from '../../../src/local-cluster/state.ts';

const paths = clusterPaths(loopbackRef('demo', '/home/me/.cache/nodeless'));
const ports = {
  apiServer: 1,
  etcd: 2,
  etcdPeer: 3,
  controllerManager: 4,
  scheduler: 5,
  cellApi: 6,
  kubeletEndpoint: 7,
  webhook: 8,
};

describe('a cluster on loopback', () => {
  it('keeps its state in its user’s cache', () => {
    expect(paths.stateDir).toBe('/home/me/.cache/nodeless/clusters/demo');
    expect(paths.rootless).toBe(true);
  });

  it('listens nowhere but on loopback, on ports of its own', () => {
    const line = (component: Parameters<typeof commandLine>[0]) =>
      commandLine(component, { paths, address: '127.0.0.1', loopback: ports });
    expect(line('etcd')).toContain('--listen-client-urls=http://127.0.0.1:2');
    for (const [component, port] of [
      ['kube-apiserver', 1],
      ['kube-controller-manager', 4],
      ['kube-scheduler', 5],
    ] as const) {
      expect(line(component)).toContain('--bind-address=127.0.0.1');
      expect(line(component)).toContain(`--secure-port=${port}`);
    }
    const { cellApi, kubeletEndpoint } = simulatedProviderConfig({ ports });
    expect([cellApi, kubeletEndpoint]).toEqual([
      { host: '127.0.0.1', port: 6 },
      { host: '127.0.0.1', port: 7 },
    ]);
  });

  it('gets ports that differ', async () => {
    expect(new Set(Object.values(await freePorts())).size).toBe(8);
  });

  it('owns its programs and its provider; not those who look into its folder', () => {
    const own = (...argv: readonly string[]) => belongsTo(paths, argv);
    expect(own(`${paths.binDir}/etcd`, '--data-dir=x')).toBe(true);
    expect(own('node', 'main.ts', 'run', '--config', `${paths.configDir}/nodeless.yaml`)).toBe(true);
    expect(own('tail', '-f', `${paths.logDir}/etcd.log`)).toBe(false);
    expect(own('kubectl', '--kubeconfig', `${paths.kubeconfigDir}/admin.yaml`, 'get', 'pods')).toBe(false);
    expect(own('node', 'main.ts', 'run', '--config', '/home/me/.cache/nodeless/clusters/demo2/c.yaml')).toBe(false);
  });

  it('is found in the output of ps', () => {
    expect(parsePs('  12 /x/bin/etcd --data-dir=/x\n\n 7 sh\n')).toEqual([
      { pid: 12, argv: ['/x/bin/etcd', '--data-dir=/x'] },
      { pid: 7, argv: ['sh'] },
    ]);
  });
});

describe.each(['linux', 'darwin'])('the identity of a process, as read on %s', (platform) => {
  const readable = process.platform === 'linux' && (platform === 'linux' || existsSync('/bin/ps'));
  it.runIf(readable)('holds for as long as it lives', async () => {
    const child = spawn('sleep', ['60']);
    const identity = await identityOf(child.pid ?? 0, platform);
    expect(await isAlive(identity, platform)).toBe(true);
    expect(await isAlive({ ...identity, startTime: 'another' }, platform)).toBe(false);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await isAlive(identity, platform)).toBe(false);
  });
});
