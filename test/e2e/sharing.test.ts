import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { machines, noMachines, watchForTwins } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { identities, type Pod } from '../support/pods.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, apply, get } = tools;

const SERVE = [
  'sh',
  '-c',
  'trap exit TERM; hostname > /tmp/index.html; httpd -p 8080 -h /tmp; while true; do sleep 1; done',
];

function onHostOf(app: string): Record<string, unknown> {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } };
  return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

/** A controller whose pods are as `pod` makes them. */
function controller(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  name: string,
  shape: Parameters<typeof pod>[1],
  more = {},
) {
  const { spec } = pod(name, shape) as { spec: object };
  const labels = { app: name };
  const others = (shape?.metadata?.labels ?? {}) as object;
  const annotations = shape?.metadata?.annotations ?? {};
  const template = { metadata: { labels: { ...others, ...labels }, annotations }, spec };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template, ...more },
  };
}

async function podsOf(app: string): Promise<readonly Pod[]> {
  return (await get<{ items: Pod[] }>('pods', '-l', `app=${app}`)).items;
}

async function cellsOf(app: string): Promise<readonly string[]> {
  return [...new Set((await podsOf(app)).map(({ metadata }) => metadata.annotations?.['nodeless.io/cell'] ?? ''))];
}

async function events(name: string): Promise<string> {
  const format = '{range .items[*]}{.reason}: {.message}{"\\n"}{end}';
  return kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', `jsonpath=${format}`);
}

async function killAndStart(): Promise<void> {
  await killProvider(CLUSTER);
  await startProviderAgain(CLUSTER);
}

afterEach(async () => {
  await kubectl('delete', 'deployments,statefulsets,daemonsets,pods', '--all', '--wait', '--grace-period=1');
  await noMachines(CLUSTER);
});

describe('pods that must be on one host', () => {
  test('run on one cell, reach each other, are found again by a provider that was killed, and are joined by others', async () => {
    const twins = watchForTwins(CLUSTER);
    onTestFinished(async () => void (await twins.stop()));
    await apply(controller('Deployment', 'twin', { command: SERVE, spec: onHostOf('twin') }, { replicas: 3 }));
    await killAndStart();
    await kubectl('rollout', 'status', 'deployment/twin', '--timeout=90s');
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await cellsOf('twin')).toHaveLength(1);
    const addresses = await kubectl('get', 'pods', '-l', 'app=twin', '-o', 'jsonpath={.items[*].status.podIP}');
    const hosts = await kubectl('get', 'pods', '-l', 'app=twin', '-o', 'jsonpath={.items[*].status.hostIP}');
    expect(new Set(hosts.split(' ')).size).toBe(1);
    const names = (await podsOf('twin')).map(({ metadata }) => metadata.name);
    for (const address of addresses.split(' ')) {
      const page = await kubectl('exec', names[0] ?? '', '--', 'wget', '-qO-', `http://${address}:8080/`);
      expect(names).toContain(page);
    }
    const before = await identities(tools);
    await killAndStart();
    await kubectl('scale', 'deployment/twin', '--replicas=4');
    await kubectl('rollout', 'status', 'deployment/twin', '--timeout=90s');
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await identities(tools)).toEqual(expect.arrayContaining([...before]));
    expect(await twins.stop()).toEqual([]);
  });

  test('that have no room left wait with an event, and get it when one goes', async () => {
    await apply(pod('cache', { metadata: { labels: { app: 'cache' } } }));
    await kubectl('wait', 'pod/cache', '--for=condition=Ready', '--timeout=60s');
    const [cell] = await cellsOf('cache');
    for (const name of ['web-1', 'web-2']) {
      const container = { resources: { requests: { cpu: '50m', memory: '128Mi' } } };
      await apply(pod(name, { metadata: { labels: { app: 'web' } }, spec: onHostOf('cache'), container }));
    }
    const waits = await eventually('one of them waits', async () => {
      for (const name of ['web-1', 'web-2']) if ((await events(name)).includes('NoRoom')) return name;
      return undefined;
    });
    expect(await events(waits)).toMatch(
      /NoRoom: cell-\w+ of default\/cache, which it must be on one machine with, has no room/,
    );
    const runs = waits === 'web-1' ? 'web-2' : 'web-1';
    await kubectl('wait', `pod/${runs}`, '--for=condition=Ready', '--timeout=60s');
    await kubectl('delete', 'pod', runs, '--wait', '--grace-period=1');
    await kubectl('wait', `pod/${waits}`, '--for=condition=Ready', '--timeout=60s');
    expect(await cellsOf('web')).toEqual([cell]);
    expect(await machines(CLUSTER)).toHaveLength(1);
  });

  test('and that fit no machine are told so, and cost none', async () => {
    const container = { resources: { requests: { cpu: '300' } } };
    await apply(controller('Deployment', 'vast', { spec: onHostOf('vast'), container }, { replicas: 2 }));
    const [first] = await eventually('both', async () =>
      (await podsOf('vast')).length === 2 ? podsOf('vast') : undefined,
    );
    const name = first?.metadata.name ?? '';
    await eventually('the event', async () =>
      /2 pods that must be on one machine.*no offering fits 600 cpu/.test(await events(name)),
    );
    expect(await machines(CLUSTER)).toHaveLength(0);
  });
});
