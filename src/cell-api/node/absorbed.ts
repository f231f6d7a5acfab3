import { randomUUID } from 'node:crypto';
import { type Clock, kubeTime } from '../../core/clock.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { CellContext, CellHandler } from '../context.ts';
import { answer, type Reply } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody, MERGE, STRATEGIC_MERGE } from '../http/body.ts';
import { onlyField } from '../http/list-options.ts';
import { badRequest, forbidden, notFound, Refusal } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import type { CellReports } from '../ports.ts';
import { bookmarkBytes, eventBytes } from '../watch/event-bytes.ts';
import { requireSmallObject } from './overlay-limits.ts';
import { jsonMerge, NODE_MERGE_RULES, strategicMerge } from './strategic-merge.ts';

interface AbsorbedOptions {
  readonly clock: Clock;
  readonly apiVersion: string;
  readonly kind: string;
  /** The only name and namespace that a kubelet has such an object under. */
  readonly name: string;
  readonly namespace?: string;
  /** Called after each write. */
  readonly onWrite?: (context: CellContext) => void;
}

/** One object per cell that only its own kubelet reads and writes: kept in memory, never sent upstream. */
function absorbedObject(options: AbsorbedOptions): CellHandler {
  return (context) => {
    if (context.target.namespace !== options.namespace) throw forbidden();
    if (context.target.subresource !== undefined) throw forbidden('not-allowed');
    const reply = absorb(options, context);
    if (!['get', 'list', 'watch'].includes(context.verb)) options.onWrite?.(context);
    return reply;
  };
}

function absorb(options: AbsorbedOptions, context: CellContext): Reply {
  const { verb, target, session } = context;
  const name = target.name ?? nameInRequest(context);
  if (name !== options.name) throw forbidden();
  const { name: _, ...collection } = target;
  const key = pathOf(collection);
  const old = session.absorbed.get(key);
  if (verb === 'list') return listOf(options, old);
  if (verb === 'watch') return watchOf(options, old);
  if (verb === 'create') {
    if (old !== undefined) {
      throw new Refusal(409, `${target.resource} "${name}" already exists`, { reason: 'AlreadyExists' });
    }
    return keep(options, context, key, jsonBody(context.body), 201);
  }
  // A kubelet updates what a provider before this one has kept; a 404 would cost it five tries and its connection.
  if (verb === 'update') return keep(options, context, key, jsonBody(context.body), 200);
  if (old === undefined) throw notFound(target.resource, name);
  if (verb === 'get') return answer(old);
  if (verb === 'patch') return keep(options, context, key, patched(context, old), 200);
  session.absorbed.delete(key);
  return answer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
}

function nameInRequest(context: CellContext): string | undefined {
  if (context.verb !== 'create') return onlyField(context.options, 'metadata.name');
  const { metadata } = jsonBody(context.body);
  return isObject(metadata) && typeof metadata.name === 'string' ? metadata.name : undefined;
}

function patched({ body }: CellContext, old: KubeObject): JsonObject {
  const patch = jsonBody(body, [STRATEGIC_MERGE, MERGE]);
  const object = old as unknown as JsonObject;
  return body?.mediaType === MERGE ? jsonMerge(object, patch) : strategicMerge(object, patch, NODE_MERGE_RULES);
}

function keep(
  options: AbsorbedOptions,
  { session }: CellContext,
  key: string,
  written: JsonObject,
  status: number,
): Reply {
  const { apiVersion, kind, name, namespace, clock } = options;
  const old = session.absorbed.get(key)?.metadata;
  const metadata = isObject(written.metadata) ? written.metadata : {};
  const object: KubeObject = {
    ...written,
    apiVersion,
    kind,
    metadata: {
      ...metadata,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: old?.uid ?? randomUUID(),
      creationTimestamp: old?.creationTimestamp ?? kubeTime(clock.now()),
      resourceVersion: String(Number(old?.resourceVersion ?? 0) + 1),
    },
  };
  requireSmallObject(object);
  session.absorbed.set(key, object);
  return answer(object, status);
}

function listOf({ apiVersion, kind }: AbsorbedOptions, object: KubeObject | undefined): Reply {
  const resourceVersion = object?.metadata.resourceVersion ?? '1';
  const items = object === undefined ? [] : [object];
  return answer({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion }, items });
}

/** Nobody but the cell changes the object, so a watch tells its present state and is silent then. */
function watchOf(
  { apiVersion, kind }: Pick<AbsorbedOptions, 'apiVersion' | 'kind'>,
  object: KubeObject | undefined,
): Reply {
  return {
    watch: {
      begin: (watch) => {
        if (object !== undefined) watch.send(eventBytes('ADDED', object));
        return () => undefined;
      },
      bookmark: () => bookmarkBytes(apiVersion, kind, object?.metadata.resourceVersion ?? '1'),
    },
  };
}

/** The lease of a cell's kubelet: its heartbeat. */
export function nodeLease(virtualNode: string, clock: Clock, reports: CellReports): CellHandler {
  return absorbedObject({
    clock,
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    name: virtualNode,
    namespace: 'kube-node-lease',
    onWrite: ({ cell }) => reports.heartbeat(cell.cellId),
  });
}

/** The CSINode of a cell's kubelet. */
export function csiNode(virtualNode: string, clock: Clock): CellHandler {
  return absorbedObject({ clock, apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', name: virtualNode });
}

/** Cells publish no devices: their lists are empty, and a kubelet's clean-up at its start finds nothing. */
export const resourceSlices: CellHandler = ({ verb, target }) => {
  const apiVersion = `${target.group}/${target.version}`;
  switch (verb) {
    case 'list':
      return answer({ kind: 'ResourceSliceList', apiVersion, metadata: { resourceVersion: '1' }, items: [] });
    case 'watch':
      return watchOf({ apiVersion, kind: 'ResourceSlice' }, undefined);
    case 'deletecollection':
      return answer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    default:
      throw badRequest('cells publish no devices');
  }
};
