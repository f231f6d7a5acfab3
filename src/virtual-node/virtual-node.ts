import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { call, getOrUndefined, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import { hasCondition, type KubeObject } from '../kube/objects.ts';
import { nodeObject, nodeStatus, ownershipPatch, type VirtualNodeSpec } from './node-object.ts';

export interface VirtualNodeOptions {
  readonly spec: VirtualNodeSpec;
  /** The provider's own identity: may set labels and taints of this node, which a node itself may not. */
  readonly client: KubeClient;
  /** The node's identity, for its status. */
  readonly nodeClient: KubeClient;
  /** The virtual node as the API server has it. */
  readonly nodes: Collection<KubeObject>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_MS = 10_000;
const RETRY_MS = 1_000;
/** The kubelet's own figure. */
const STATUS_EVERY_MS = 300_000;

/**
 * Keeps the virtual node registered: creates it, again when it is deleted, and writes its status.
 * Runs until the signal aborts; outages are logged once and waited out.
 */
export async function runVirtualNode(options: VirtualNodeOptions, signal: AbortSignal): Promise<void> {
  const { nodes, spec, clock, logger } = options;
  const wake = { needed: Promise.withResolvers<void>() };
  const end = nodes.subscribe(({ type, object }) => {
    if (type === 'DELETED' || !hasCondition(object, 'Ready')) wake.needed.resolve();
  });
  let statusAtMs = Number.NEGATIVE_INFINITY;
  let failing = false;

  function isDue(): boolean {
    const node = nodes.get(undefined, spec.name);
    const sinceMs = clock.now() - statusAtMs;
    if (nodes.synced && node === undefined) return true;
    // While the lease was not renewed, the node controller made it not Ready. What we just wrote is not to be seen yet.
    if (node !== undefined && !hasCondition(node, 'Ready') && sinceMs >= RETRY_MS) return true;
    return sinceMs >= STATUS_EVERY_MS;
  }

  while (!signal.aborted) {
    wake.needed = Promise.withResolvers<void>();
    try {
      if (isDue() && (await register(options, signal))) statusAtMs = clock.now();
      if (failing) logger.info({ node: spec.name }, 'virtual node is kept again');
      failing = false;
    } catch (error) {
      if (signal.aborted) break;
      if (!failing) logger.warn({ node: spec.name, reason: messageOf(error) }, 'virtual node can not be kept');
      failing = true;
      statusAtMs = Number.NEGATIVE_INFINITY;
    }
    const woken = new AbortController();
    const pause = clock
      .sleep(failing ? RETRY_MS : LOOK_MS, AbortSignal.any([signal, woken.signal]))
      .catch(() => undefined);
    await Promise.race([pause, wake.needed.promise.then(() => woken.abort())]);
  }
  end();
}

/**
 * Creates the Node where it is missing, and sets what Nodeless owns of its labels, taints and status.
 * Resolves with false when somebody else wrote the Node meanwhile: to be repeated.
 */
export async function register(options: VirtualNodeOptions, signal: AbortSignal): Promise<boolean> {
  const { spec, nodeClient, clock } = options;
  const path = `/api/v1/nodes/${spec.name}`;
  const node = (await getOrUndefined<KubeObject>(nodeClient, path, signal)) ?? (await create(options, signal));
  const owned = await own(options, node, signal);
  await call(nodeClient, {
    method: 'PATCH',
    path: `${path}/status`,
    contentType: 'application/strategic-merge-patch+json',
    body: { status: nodeStatus(spec, clock.now(), node) },
    signal,
  });
  return owned;
}

async function create({ spec, nodeClient, logger }: VirtualNodeOptions, signal: AbortSignal): Promise<KubeObject> {
  const body = nodeObject(spec);
  const node = await call<KubeObject>(nodeClient, { method: 'POST', path: '/api/v1/nodes', body, signal });
  logger.info({ node: spec.name }, 'virtual node is registered');
  return node;
}

/** Writes nothing when all of it stands; resolves with false on a conflict. */
async function own(options: VirtualNodeOptions, node: KubeObject, signal: AbortSignal): Promise<boolean> {
  const { spec, client } = options;
  const body = ownershipPatch(spec, node);
  if (body === undefined) return true;
  const path = `/api/v1/nodes/${spec.name}`;
  try {
    await call(client, { method: 'PATCH', path, contentType: 'application/merge-patch+json', body, signal });
    return true;
  } catch (error) {
    if (isStatus(error, 409)) return false;
    throw error;
  }
}
