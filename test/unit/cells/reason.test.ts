import { describe, expect, test } from 'vitest';
import { cellsWithReason } from '../../../src/cells/reason.ts';
import { type CellTags, NODE_CELL } from '../../../src/core/cell.ts';
import { CELL_ANNOTATION } from '../../../src/core/names.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { bindingOf } from '../../../src/pods/pod-view.ts';
import { onHostOf, podOf } from '../placement/pods.ts';

const { signal } = new AbortController();

function naming(pod: WirePod, cellId: string, ran: boolean): WirePod {
  const conditions = [{ type: 'nodeless.io/CellReady', status: ran ? 'True' : 'False' }];
  const metadata = { ...pod.metadata, annotations: { [CELL_ANNOTATION]: cellId } };
  return { ...pod, metadata, status: { conditions } };
}

/** Whether a machine of pod ns/a has a reason by these pods, and where was looked. */
async function ask(pods: readonly WirePod[], more: Partial<CellTags> = {}) {
  const asked: KubeRequest[] = [];
  const client = {
    async request(request: KubeRequest) {
      asked.push(request);
      return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify({ items: pods })) };
    },
  } as unknown as KubeClient;
  const tags = { clusterUid: 'c', virtualNode: 'n', cellId: 'cell-1', pod: 'ns/a', podUid: 'uid-a', ...more };
  const has = (await cellsWithReason(client, [tags], bindingOf, signal)).has('cell-1');
  return { has, path: asked[0]?.path, query: asked[0]?.query };
}

describe('the reason of a machine', () => {
  test('is its own pod, while that names it', async () => {
    expect(await ask([naming(podOf('a'), 'cell-1', false)])).toEqual({
      has: true,
      path: '/api/v1/namespaces/ns/pods',
      query: { fieldSelector: 'spec.nodeName=n' },
    });
    expect((await ask([naming(podOf('a'), 'cell-2', true)])).has).toBe(false);
  });

  test('is a pod that shares it, and no other that names it', async () => {
    const mate = podOf('b', { with: [onHostOf('a')] });
    expect((await ask([naming(mate, 'cell-1', true)])).has).toBe(true);
    expect((await ask([naming(mate, 'cell-1', false)])).has).toBe(false);
    expect((await ask([naming(podOf('b'), 'cell-1', true)])).has).toBe(false);
  });

  test('is read once for all, wherever their pods are', async () => {
    const pods = [naming(podOf('a'), 'cell-1', true), naming(podOf('b', { namespace: 'other' }), 'cell-2', true)];
    const asked: string[] = [];
    const client = {
      async request({ path }: KubeRequest) {
        asked.push(path);
        return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify({ items: pods })) };
      },
    } as unknown as KubeClient;
    const one = (cellId: string, pod: string, podUid: string): CellTags => ({
      ...{ clusterUid: 'c', virtualNode: 'n', cellId, pod, podUid },
    });
    const tags = [one('cell-1', 'ns/a', 'uid-a'), one('cell-2', 'other/b', 'uid-b'), one('cell-3', 'ns/c', 'uid-c')];
    expect([...(await cellsWithReason(client, tags, bindingOf, signal))]).toEqual(['cell-1', 'cell-2']);
    expect(asked).toEqual(['/api/v1/pods']);
  });

  test('is looked for in all namespaces for the node cell', async () => {
    const pods = [naming(podOf('b', { namespace: 'other' }), 'cell-1', true)];
    expect(await ask(pods, { purpose: NODE_CELL })).toMatchObject({ has: true, path: '/api/v1/pods' });
  });

  test('that waited in a pool is a pod that ran there, whatever a list that lags says, and none that only names it', async () => {
    const waits = { pod: '', podUid: '', pool: { name: 'web', uid: 'pool' } };
    const ran = await ask([naming(podOf('b', { namespace: 'other' }), 'cell-1', true)], waits);
    expect(ran).toMatchObject({ has: true, path: '/api/v1/pods' });
    expect((await ask([naming(podOf('b'), 'cell-1', false)], waits)).has).toBe(false);
  });
});
