import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadKubeConfig } from '../../src/cli/kube-config.ts';
import { install } from '../../src/install/install.ts';
import { freeze, kill, startAgain, thaw } from '../../src/local-cluster/control-plane.ts';
import { enterCommand } from '../../src/local-cluster/network/names.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { cellNamespaces, cellProcesses, machines, noMachines, watchForTwins } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod, webDeployment } from '../support/objects.ts';
import { identityOf as identityIn, type Pod } from '../support/pods.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get } = tools;
const paths = clusterPaths({ name: CLUSTER });
const { signal } = new AbortController();

async function cellOf(name: string): Promise<string> {
  return (await get<Pod>('pod', name)).metadata.annotations['nodeless.io/cell'] ?? '';
}

const identityOf = (name: string) => identityIn(tools, name);

async function runningPod(name: string, command?: readonly string[]): Promise<void> {
  await apply(pod(name, command === undefined ? {} : { command }));
  await kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s');
}

async function execWorks(name: string): Promise<void> {
  await eventually(
    'exec works',
    async () => (await tryKubectl('exec', name, '--', 'echo', 'alive')).stdout === 'alive',
  );
}

/** Lets the provider's service account run another virtual node, until what is returned is called. */
async function installBeside(virtualNode: string): Promise<() => Promise<void>> {
  const namespace = 'nodeless-system';
  await install(loadKubeConfig(tools.kubeconfig), { virtualNode, namespace, webhooks: false });
  return async () => {
    await kubectl('delete', 'clusterroles,clusterrolebindings', `nodeless:${virtualNode}`);
    for (const where of [namespace, 'kube-system']) {
      await kubectl('delete', 'roles,rolebindings', `nodeless:${virtualNode}`, '-n', where, '--ignore-not-found');
    }
    await kubectl('delete', 'node', virtualNode, '--ignore-not-found');
  };
}

describe('faults', () => {
  afterEach(async () => {
    await kubectl('delete', 'deployments,pods', '--all', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
  });

  test('a provider killed while pods run finds them again, and they never notice', async () => {
    await runningPod('steady');
    const before = await identityOf('steady');
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    await execWorks('steady');
    expect(await identityOf('steady')).toEqual(before);
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await cellNamespaces(CLUSTER)).toHaveLength(1);
  });

  test('a provider killed at any moment of a launch launches nothing twice', async () => {
    const twins = watchForTwins(CLUSTER);
    onTestFinished(async () => void (await twins.stop()));
    await apply(webDeployment('web', 4));
    for (const pauseMs of [50, 300, 700]) {
      await delay(pauseMs);
      await killProvider(CLUSTER);
      await startProviderAgain(CLUSTER);
    }
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    expect(await twins.stop()).toEqual([]);
    const pods = await get<{ items: Pod[] }>('pods', '-l', 'app=web');
    const tags = await machines(CLUSTER);
    expect(tags.map(({ podUid }) => podUid).sort()).toEqual(pods.items.map(({ metadata }) => metadata.uid).sort());
    expect(tags).toHaveLength(4);
    expect(await cellNamespaces(CLUSTER)).toHaveLength(4);
  });

  test('pods deleted while the provider was away lose their cells when it is back', async () => {
    await runningPod('deserted');
    await killProvider(CLUSTER);
    await kubectl('delete', 'pod', 'deserted', '--force', '--grace-period=0');
    await startProviderAgain(CLUSTER);
    await noMachines(CLUSTER);
    await eventually('nobody is told of it', async () => (await kubectl('get', 'cells', '-o', 'name')) === '');
  });

  test('an API server that is restarted is found again', async () => {
    await runningPod('steady');
    const before = await identityOf('steady');
    await kill(paths, 'kube-apiserver');
    await startAgain(paths, 'kube-apiserver', signal);
    await execWorks('steady');
    expect(await identityOf('steady')).toEqual(before);
    await runningPod('after');
  });

  test('an API server that is unreachable for a minute costs no pod anything', async () => {
    await runningPod('steady');
    const before = await identityOf('steady');
    await freeze(paths, 'kube-apiserver');
    await delay(60_000);
    await thaw(paths, 'kube-apiserver');
    await execWorks('steady');
    await kubectl('wait', 'pod/steady', '--for=condition=Ready', '--timeout=20s');
    expect(await identityOf('steady')).toEqual(before);
    await runningPod('after');
    // Its kubelet was never cut off, so it hears of the deletion at once.
    await kubectl('delete', 'pod', 'steady', '--wait', '--timeout=20s');
  });

  test.each(['kubelet', 'containerd'])(
    'a %s killed in its cell is started again, and the container goes on',
    async (program) => {
      await runningPod('steady');
      const before = await identityOf('steady');
      const cellId = await cellOf('steady');
      const victims = (await cellProcesses(CLUSTER, cellId)).filter(({ command }) =>
        new RegExp(`(^|/)${program} `).test(command),
      );
      expect(victims).toHaveLength(1);
      for (const { pid } of victims) process.kill(pid, 'SIGKILL');
      await eventually('another one runs', async () =>
        (await cellProcesses(CLUSTER, cellId)).some(
          ({ pid, command }) => new RegExp(`(^|/)${program} `).test(command) && pid !== victims[0]?.pid,
        ),
      );
      await execWorks('steady');
      expect(await identityOf('steady')).toEqual(before);
    },
  );

  test('a cell that dies under its pod is told as CellLost, and a Deployment replaces the pod', async () => {
    await apply(webDeployment('web', 1));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const name = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
    const cellId = await cellOf(name);
    for (const { pid } of await cellProcesses(CLUSTER, cellId)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went with another one.
      }
    }
    const lost = await eventually('the pod has failed', async () => {
      const found = await get<Pod>('pod', name);
      return found.status.phase === 'Failed' && found;
    });
    expect(lost.status.reason).toBe('CellLost');
    expect(lost.status.conditions.find(({ type }) => type === 'DisruptionTarget')?.status).toBe('True');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  });

  test('a terminating pod on a cell that dies does not stay Terminating', async () => {
    await runningPod('stubborn', ['sh', '-c', 'trap "" TERM; while true; do sleep 1; done']);
    await kubectl('delete', 'pod', 'stubborn', '--wait=false', '--grace-period=300');
    for (const { pid } of await cellProcesses(CLUSTER, await cellOf('stubborn'))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It went with another one.
      }
    }
    await eventually('it is gone', async () => (await tryKubectl('get', 'pod', 'stubborn')).exitCode !== 0, 20_000);
  });

  test('a virtual node that is deleted is there again, with the foreign capacity that others add kept', async () => {
    const uid = () => kubectl('get', 'node', 'nodeless', '-o', 'jsonpath={.metadata.uid}');
    const before = await uid();
    await kubectl('delete', 'node', 'nodeless');
    await eventually('another node of the name', async () => (await uid()) !== before);
    const capacity = JSON.stringify({ status: { capacity: { 'example.com/dongle': '3' } } });
    await kubectl('patch', 'node', 'nodeless', '--subresource=status', '--type=merge', '-p', capacity);
    await kubectl('label', 'node', 'nodeless', 'example.com/ours=kept');
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    await runningPod('after');
    const node = await get<{
      metadata: { labels: Record<string, string> };
      status: { capacity: Record<string, string> };
    }>('node', 'nodeless');
    expect(node.status.capacity).toMatchObject({
      'example.com/dongle': '3',
      cpu: '1024',
      memory: '4Ti',
      pods: '1k',
      'nvidia.com/gpu': '10',
    });
    expect(node.metadata.labels).toMatchObject({ 'example.com/ours': 'kept', type: 'virtual-kubelet' });
  });

  test('deleting a Cell object ends that cell', async () => {
    await runningPod('victim');
    await kubectl('delete', 'cell', await cellOf('victim'));
    await eventually('the pod has failed', async () => (await get<Pod>('pod', 'victim')).status.reason === 'CellLost');
  });

  test('a port that is taken ends the start, and the message names it', async () => {
    const remove = await installBeside('second');
    onTestFinished(remove);
    // Whoever runs a provider is the service account that it ships with, and nobody more powerful.
    const kubeconfig = join(paths.kubeconfigDir, 'nodeless.yaml');
    const config = {
      virtualNode: { name: 'second', address: '10.0.0.1' },
      provider: 'simulated',
      webhook: { enabled: false },
      logLevel: 'error',
    };
    const file = join(paths.configDir, 'second.yaml');
    await writeFile(file, stringify(config));
    const [enter = '', ...rest] = enterCommand(paths.namespace);
    const argv = [...rest, process.execPath, 'src/cli/main.ts', 'run', '--config', file, '--kubeconfig', kubeconfig];
    const { exitCode, stderr } = await execa(enter, argv, { reject: false, timeout: 30_000 });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/can not listen on 0\.0\.0\.0:8443.*\(PortInUse\)/);
  });
});
