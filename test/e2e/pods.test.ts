import { afterEach, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, trySend, get, apply } = toolsOf(CLUSTER);

interface Pod {
  metadata: { name: string; uid: string; annotations?: Record<string, string> };
  status: { phase: string; conditions: { type: string; status: string; reason?: string; message?: string }[] };
}

async function events(name: string): Promise<string> {
  return kubectl(
    'get',
    'events',
    '--field-selector',
    `involvedObject.name=${name}`,
    '-o',
    'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
  );
}

async function cellCount(): Promise<number> {
  return (await get<{ items: unknown[] }>('cells')).items.length;
}

describe('a pod on the virtual node', () => {
  afterEach(async () => {
    await kubectl('delete', 'pods', '--all', '--wait', '--grace-period=1');
    await eventually('all cells have ended', async () => (await cellCount()) === 0);
  });

  test('that fits no cell stays Pending, and is told the nearest offering and what it lacks', async () => {
    await apply(pod('huge', { container: { resources: { requests: { cpu: '500' } } } }));
    await eventually('the event', async () => (await events('huge')).includes('NoOffering'));
    expect(await events('huge')).toMatch(/no offering fits 500 cpu.*the nearest, .* lacks cpu/);
    const { status } = await get<Pod>('pod', 'huge');
    expect(status.phase).toBe('Pending');
    expect(status.conditions.find(({ type }) => type === 'nodeless.io/CellReady')).toMatchObject({
      status: 'False',
      reason: 'NoOffering',
    });
    expect(await cellCount()).toBe(0);
  });

  test('whose image does not exist waits in ImagePullBackOff on its cell, as on any node', async () => {
    await apply(pod('noimage', { image: 'registry.k8s.io/no-such-image:1' }));
    await eventually('the waiting reason', async () => {
      const reason = await kubectl(
        'get',
        'pod',
        'noimage',
        '-o',
        'jsonpath={.status.containerStatuses[0].state.waiting.reason}',
      );
      return /ErrImagePull|ImagePullBackOff/.test(reason);
    });
  });

  test('that crashes is restarted on the same cell by its kubelet', async () => {
    await apply(pod('crashing', { command: ['sh', '-c', 'sleep 1; exit 3'] }));
    const restarts = () =>
      kubectl('get', 'pod', 'crashing', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}');
    await eventually('a restart', async () => Number(await restarts()) >= 2);
    expect(await cellCount()).toBe(1);
  });

  test('deleted while its cell is launching goes at once, and its cell with it', async () => {
    await apply(pod('brief'));
    await eventually(
      'the cell is asked for',
      async () => (await get<Pod>('pod', 'brief')).metadata.annotations?.['nodeless.io/cell'] !== undefined,
    );
    await kubectl('delete', 'pod', 'brief', '--wait', '--timeout=20s');
    await eventually('no cells', async () => (await cellCount()) === 0);
  });

  test('with a long grace period is given it when it is deleted', async () => {
    const command = ['sh', '-c', 'trap "sleep 4; exit 0" TERM; while true; do sleep 0.2; done'];
    await apply(pod('graceful', { command, spec: { terminationGracePeriodSeconds: 60 } }));
    await kubectl('wait', 'pod/graceful', '--for=condition=Ready', '--timeout=60s');
    const begunMs = Date.now();
    await kubectl('delete', 'pod', 'graceful', '--wait', '--timeout=60s');
    const tookMs = Date.now() - begunMs;
    expect(tookMs).toBeGreaterThan(3_500);
    expect(tookMs).toBeLessThan(30_000);
  });

  test('that finishes keeps its cell for the linger, so that its logs can be read; after that logs say why not', async () => {
    await apply(pod('finished', { command: ['sh', '-c', 'echo all done'], spec: { restartPolicy: 'Never' } }));
    await kubectl('wait', 'pod/finished', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s');
    expect(await kubectl('logs', 'finished')).toBe('all done');
    await eventually('its cell has ended', async () => (await cellCount()) === 0);
    const late = await tryKubectl('logs', 'finished');
    expect(late.exitCode).not.toBe(0);
    expect(late.stderr).toMatch(/cell cell-\w+ ended after the pod finished; its logs went with it/);
    expect((await get<Pod>('pod', 'finished')).status.phase).toBe('Succeeded');
  });

  test('can not be told by a user which cell it has', async () => {
    const forged = ['run', 'forged', '--image=x', '--annotations=nodeless.io/cell=cell-forged'];
    for (const override of [{}, { spec: { nodeName: 'nodeless' } }]) {
      const refused = await tryKubectl(...forged, `--overrides=${JSON.stringify(override)}`);
      expect(refused.stderr).toContain('nodeless.io/cell is written by Nodeless alone');
    }
    await apply(pod('honest'));
    await kubectl('wait', 'pod/honest', '--for=condition=Ready', '--timeout=60s');
    const changed = await tryKubectl('annotate', 'pod', 'honest', '--overwrite', 'nodeless.io/cell=cell-other');
    expect(changed.stderr).toContain('nodeless.io/cell is written by Nodeless alone');
  });

  test.each(['pods/unbound/binding', 'bindings'])('can not be told its cell by a Binding (%s) either', async (path) => {
    await apply(pod('unbound', { spec: { schedulerName: 'nobody' } }));
    const binding = (annotations: object) => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'unbound', namespace: 'default', annotations },
      target: { apiVersion: 'v1', kind: 'Node', name: 'nodeless' },
    });
    const url = `/api/v1/namespaces/default/${path}`;
    for (const cell of ['cell-forged', '']) {
      const refused = await trySend(binding({ 'nodeless.io/cell': cell }), 'create', '--raw', url, '-f', '-');
      expect(refused.stderr).toContain('nodeless.io/cell is written by Nodeless alone');
    }
    expect((await get<{ spec: { nodeName?: string } }>('pod', 'unbound')).spec.nodeName).toBeUndefined();
    const bound = await trySend(binding({ 'example.com/note': 'kept' }), 'create', '--raw', url, '-f', '-');
    expect(bound.exitCode, bound.stderr).toBe(0);
    await kubectl('wait', 'pod/unbound', '--for=condition=Ready', '--timeout=60s');
  });

  test('that needs a persistent volume stays Pending with the remedy, and costs no cell', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeName: 'data',
        storageClassName: '',
      },
    };
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'data' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/nonexistent' },
        claimRef: { name: 'data', namespace: 'default' },
      },
    };
    await apply(
      volume,
      claim,
      pod('stateful', { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } }),
    );
    await eventually('the event', async () => (await events('stateful')).includes('run the pod on a regular node'));
    expect(await cellCount()).toBe(0);
    await kubectl('delete', 'pod/stateful', 'pvc/data', 'pv/data', '--wait', '--grace-period=0', '--force');
  });
});
