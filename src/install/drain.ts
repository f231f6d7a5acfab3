import { NodelessError } from '../core/errors.ts';
import { CELLS_PATH, LEAVING_TAINT } from '../core/names.ts';
import { getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { leadersOf } from './leaders.ts';
import { cellsOf, podsOn, type Survey, survey } from './survey.ts';
import { ask, named, remove, type Uninstallation } from './uninstallation.ts';
import { performed, untilClear } from './until-clear.ts';

interface TaintedNode extends KubeObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string; readonly effect: string }[] };
}

/** Changes a Node's spec by what it is now. */
async function patchNode(client: KubeClient, name: string, change: (node: TaintedNode) => object): Promise<void> {
  const path = `/api/v1/nodes/${name}`;
  const node = await getOrUndefined<TaintedNode>(client, path);
  if (node === undefined) return;
  const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: change(node) };
  const request = { method: 'PATCH', path, contentType: 'application/merge-patch+json', body } as const;
  if ((await ask(client, request, [404, 409])) === 409) await patchNode(client, name, change);
}

function withTaint({ spec }: TaintedNode): object {
  const others = (spec?.taints ?? []).filter(({ key }) => key !== LEAVING_TAINT.key);
  return { taints: [...others, LEAVING_TAINT] };
}

/** A disruption budget that forbids an eviction is asked again so often, as kubectl drain does. */
const REFUSED_PAUSE_MS = 5_000;

/** Evicts pods; what a disruption budget forbids is asked for again after a pause. */
class Evictions {
  readonly #work: Pick<Uninstallation, 'client' | 'clock'>;
  /** When a refused one is asked for again, by the pod's uid; ends with the drain. */
  readonly #refusedUntilMs = new Map<string, number>();

  constructor(work: Pick<Uninstallation, 'client' | 'clock'>) {
    this.#work = work;
  }

  async evict(pods: readonly KubeObject[]): Promise<void> {
    for (const { metadata } of pods) {
      const isRefused = (this.#refusedUntilMs.get(metadata.uid ?? '') ?? 0) > this.#work.clock.now();
      if (metadata.deletionTimestamp === undefined && !isRefused) await this.#ask(metadata);
    }
  }

  async #ask({ name, namespace, uid = '' }: KubeObject['metadata']): Promise<void> {
    const { client, clock } = this.#work;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    const status = await ask(client, { method: 'POST', path, body }, [404, 429, 409]);
    if (status === 429) this.#refusedUntilMs.set(uid, clock.now() + REFUSED_PAUSE_MS);
  }
}

/** @throws NodelessError NotReady where cells are there and nobody to end them */
async function requireProvider(work: Uninstallation, { cells, hasDeployment, nodes }: Survey): Promise<void> {
  if (cells.length === 0 || hasDeployment) return;
  if ((await leadersOf(work, nodes)).some((leader) => leader !== undefined)) return;
  const message = `${cells.length} cells are left (${named(cells)}), and no provider is there to end them: start it again, or end their machines in the cloud and delete the Cell objects, and repeat`;
  throw new NodelessError({ code: 'NotReady', message });
}

/** Pods off the virtual nodes, then the end of every cell: as long as the provider is there to end them. */
export async function drain(work: Uninstallation): Promise<void> {
  const { client, virtualNode, tell } = work;
  const first = await performed(work, () => survey(client, work));
  const { nodes } = first;
  await performed(work, () => requireProvider(work, first));
  tell(`no new pods for ${nodes.join(', ')}`);
  const patchAll = (change: (node: TaintedNode) => object) =>
    performed(work, () => Promise.all(nodes.map((node) => patchNode(client, node, change))));
  await patchAll(() => ({ unschedulable: true }));
  const evictions = new Evictions(work);
  await untilClear(work, async () => {
    const { pods } = await podsOn(client, nodes);
    await evictions.evict(pods);
    return pods.length === 0 ? undefined : `${pods.length} pods are still to go: ${named(pods)}`;
  });
  // Only now that all others are gone.
  await patchAll(withTaint);
  await untilClear(work, async () => {
    const cells = await cellsOf(client, virtualNode);
    for (const { metadata } of cells)
      if (metadata.deletionTimestamp === undefined) await remove(client, `${CELLS_PATH}/${metadata.name}`);
    if (cells.length === 0) return undefined;
    const { holders } = await podsOn(client, nodes);
    const held = holders.length === 0 ? '' : `; DaemonSets whose pods tolerate everything keep some: ${named(holders)}`;
    return `${cells.length} cells are still to end: ${named(cells)}${held}`;
  });
}
