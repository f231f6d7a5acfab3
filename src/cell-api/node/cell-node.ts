import type { V1Node } from '@kubernetes/client-node';
import type { CollectionReader } from '../../kube/collection.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { CellContext, CellHandler } from '../context.ts';
import { answer, type Reply } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody, MERGE, STRATEGIC_MERGE } from '../http/body.ts';
import { onlyField } from '../http/list-options.ts';
import { badRequest, forbidden, notReady, Refusal } from '../http/refusal.ts';
import type { CellBook, CellReports, KnownCell } from '../ports.ts';
import type { CellSession, NodeOverlay } from '../session.ts';
import { bookmarkBytes, eventBytes, listBytes } from '../watch/event-bytes.ts';
import { requireSmallMetadata, requireSmallObject } from './overlay-limits.ts';
import { baseOf, type NodeBase, servedNode } from './served-node.ts';
import { jsonMerge, NODE_MERGE_RULES, strategicMerge } from './strategic-merge.ts';

export interface CellNodeOptions {
  readonly nodes: CollectionReader<KubeObject>;
  readonly virtualNode: string;
  readonly reports: CellReports;
  readonly book: CellBook;
}

/** The Node of each cell: read from the virtual node's, written in memory only. */
export class CellNodes {
  readonly #options: CellNodeOptions;
  /** Called when a cell's own Node may look different. */
  readonly #watchers = new Map<CellSession, Set<() => void>>();
  #base: NodeBase | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: CellNodeOptions) {
    this.#options = options;
  }

  start(): void {
    const { nodes, virtualNode } = this.#options;
    const present = nodes.get(undefined, virtualNode);
    if (present !== undefined) this.#base = baseOf(present);
    this.#unsubscribe = nodes.subscribe(({ type, object }) => {
      // A deleted virtual node is soon registered again; its cells keep the last one until then.
      if (object.metadata.name !== virtualNode || type === 'DELETED') return;
      const base = baseOf(object);
      if (base.fingerprint === this.#base?.fingerprint) return;
      this.#base = base;
      for (const watchers of this.#watchers.values()) for (const changed of watchers) changed();
    });
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  readonly handle: CellHandler = (context) => {
    const { verb, target } = context;
    const name = target.name ?? (verb === 'create' ? undefined : onlyField(context.options, 'metadata.name'));
    if (verb === 'create') return this.#create(context);
    if (name !== this.#options.virtualNode) throw forbidden();
    if (verb === 'get') return answer(this.#node(context));
    if (verb === 'list') return this.#list(context);
    if (verb === 'watch') return this.#watch(context);
    if (verb === 'patch') return this.#patch(context);
    if (verb === 'update') return this.#update(context);
    throw new Refusal(405, 'a cell can not do this to its node', { denial: 'not-allowed' });
  };

  #node({ cell, session }: { cell: KnownCell; session: CellSession }): KubeObject {
    if (this.#base === undefined) throw notReady('the virtual node is not registered yet');
    // Addresses may have become known since the request began: a watch lives for minutes.
    return servedNode(this.#base, this.#options.book.find(cell.cellId) ?? cell, session.node);
  }

  /** Kubelets that register find that they are, and go on with what they are served. */
  #create(context: CellContext): Reply {
    const { name } = this.#node(context).metadata;
    throw new Refusal(409, `nodes "${name}" already exists`, { reason: 'AlreadyExists' });
  }

  #list(context: CellContext): Reply {
    requireNoLabels(context);
    const node = this.#node(context);
    return { status: 200, body: listBytes('v1', 'Node', node.metadata.resourceVersion ?? '', [node]) };
  }

  /** Begins with the Node whatever the version: it is one object, and changes here without a version upstream. */
  #watch(context: CellContext): Reply {
    requireNoLabels(context);
    const { session } = context;
    const version = this.#node(context).metadata.resourceVersion ?? '';
    return {
      watch: {
        begin: (watch) => {
          watch.send(eventBytes('ADDED', this.#node(context)));
          const changed = (): void => watch.send(eventBytes('MODIFIED', this.#node(context)));
          const watchers = this.#watchers.get(session) ?? new Set();
          this.#watchers.set(session, watchers.add(changed));
          return () => {
            watchers.delete(changed);
            if (watchers.size === 0) this.#watchers.delete(session);
          };
        },
        bookmark: () => bookmarkBytes('v1', 'Node', this.#base?.object.metadata.resourceVersion ?? version),
      },
    };
  }

  #patch(context: CellContext): Reply {
    const patch = jsonBody(context.body, [STRATEGIC_MERGE, MERGE]);
    const old = this.#node(context) as unknown as JsonObject;
    const strategic = context.body?.mediaType === STRATEGIC_MERGE;
    const merged = strategic ? strategicMerge(old, patch, NODE_MERGE_RULES) : jsonMerge(old, patch);
    return this.#take(context, merged, patch);
  }

  #update(context: CellContext): Reply {
    const update = jsonBody(context.body);
    const old = this.#node(context) as unknown as JsonObject;
    return this.#take(context, { ...old, status: update.status ?? old.status }, update);
  }

  /** Keeps status, labels and annotations; what is written to the spec is the virtual node's to decide. */
  #take(context: CellContext, merged: JsonObject, written: JsonObject): Reply {
    const { session, cell } = context;
    const metadata = isObject(written.metadata) ? written.metadata : {};
    const labels = withWritten(session.node.labels, metadata.labels);
    const annotations = withWritten(session.node.annotations, metadata.annotations);
    requireSmallMetadata(labels, annotations);
    const status = ownStatus(merged.status) ?? session.node.status;
    if (status !== undefined) requireSmallObject(status);
    Object.assign(session.node, { labels, annotations }, status === undefined ? {} : { status });
    const node = this.#node(context);
    for (const changed of this.#watchers.get(session) ?? []) changed();
    // After a restart of ours a kubelet may first patch what it believes us to have; seconds later it sends the rest.
    if (isWhole(session.node.status)) this.#options.reports.nodeStatus(cell.cellId, node as unknown as V1Node);
    else this.#options.reports.heartbeat(cell.cellId);
    return answer(node);
  }
}

/** True when a kubelet's status has its conditions, and each of them its value. */
function isWhole(status: JsonObject | undefined): boolean {
  const conditions = status?.conditions;
  if (!Array.isArray(conditions) || conditions.length === 0) return false;
  return conditions.every((condition) => isObject(condition) && typeof condition.status === 'string');
}

/** Attached volumes are the virtual node's; the rest of a status is what the kubelet says. */
function ownStatus(status: unknown): JsonObject | undefined {
  if (!isObject(status)) return undefined;
  const { volumesAttached: _, ...own } = status;
  return own;
}

type Values = NodeOverlay['labels'];

function withWritten(old: Values, written: unknown): Values {
  if (!isObject(written)) return old;
  const values = Object.entries(written).filter(
    (entry): entry is [string, string | null] =>
      !entry[0].startsWith('$') && (entry[1] === null || typeof entry[1] === 'string'),
  );
  return { ...old, ...Object.fromEntries(values) };
}

function requireNoLabels({ options }: CellContext): void {
  if (options.labels.text !== '') throw badRequest('nodes can not be selected by label here');
}
