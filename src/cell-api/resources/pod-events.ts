import { type Bucket, createBucket } from '../../core/bucket.ts';
import type { Clock } from '../../core/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { CellContext, CellHandler } from '../context.ts';
import { answer, type Reply, relayed } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody, MERGE, STRATEGIC_MERGE } from '../http/body.ts';
import { forbidden, notFound, Refusal } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import type { CellSession } from '../session.ts';
import { askUpstream } from '../upstream.ts';
import type { PodFeed } from './pod-feed.ts';
import { writeQuery } from './pod-writes.ts';

export interface PodEventOptions {
  readonly feed: PodFeed;
  readonly nodeClient: KubeClient;
  readonly virtualNode: string;
  readonly clock: Clock;
}

/** Of one event; a recorder's messages are cut at 1 KiB. */
const EVENT_LIMIT_BYTES = 16 * 1024;
/** Event names that are remembered per cell, for later patches of their count. */
const MAX_EVENTS = 500;

/** What a recorder patches on an event that it repeats. */
const PATCHABLE = new Set(['count', 'lastTimestamp', 'message', 'series']);

/** Warnings about agents, of all cells together; of each there are few enough to leave the others some. */
const AGENT_WARNINGS_PER_SECOND = 5;
const AGENT_WARNING_BURST = 50;

/**
 * Events about the cell's own pods go upstream as the node's, those about its Node stop here, others are refused. Of what
 * is about agents, which are the same in all cells, some warnings go upstream.
 */
export function podEvents(options: PodEventOptions): CellHandler {
  const agentWarnings = createBucket(AGENT_WARNINGS_PER_SECOND, AGENT_WARNING_BURST);
  return async (context) => {
    if (!['create', 'update', 'patch'].includes(context.verb) || context.target.subresource !== undefined) {
      throw forbidden('not-allowed');
    }
    // Without Retry-After: a recorder drops the event instead of queueing behind it.
    if (!context.session.eventBucket.take(options.clock.now())) {
      throw new Refusal(429, 'the cell sends too many events', { denial: 'limit' });
    }
    if ((context.body?.bytes.length ?? 0) > EVENT_LIMIT_BYTES) {
      throw new Refusal(413, `the event is larger than ${EVENT_LIMIT_BYTES} bytes`, { denial: 'limit' });
    }
    return context.verb === 'patch' ? patchEvent(options, context) : writeEvent(options, context, agentWarnings);
  };
}

async function writeEvent(options: PodEventOptions, context: CellContext, agentWarnings: Bucket): Promise<Reply> {
  const { target, session, verb } = context;
  const event = jsonBody(context.body);
  const about = aboutOf(event);
  if (about.kind === 'Node') {
    if (about.name !== options.virtualNode) throw forbidden();
    return answer(event, verb === 'create' ? 201 : 200);
  }
  if (!isOwnPod(options.feed, session, about, target.namespace)) throw forbidden();
  if (verb === 'update') requireOwnEvent(context);
  const isAgents = options.feed.isAgent(session, { metadata: about as KubeObject['metadata'] });
  const nowMs = options.clock.now();
  const mayWarn = () => session.agentWarningBucket.take(nowMs) && agentWarnings.take(nowMs);
  if (isAgents && (event.type !== 'Warning' || !mayWarn())) {
    return answer(event, verb === 'create' ? 201 : 200);
  }
  const response = await forward(options, context, event);
  if (response.status === 201) remember(session, eventKey(target.namespace, nameOf(response.body)));
  return relayed(response);
}

async function patchEvent(options: PodEventOptions, context: CellContext): Promise<Reply> {
  requireOwnEvent(context);
  const patch = jsonBody(context.body, [STRATEGIC_MERGE, MERGE]);
  if (!Object.keys(patch).every((key) => PATCHABLE.has(key))) throw forbidden('bad-patch');
  return relayed(await forward(options, context, patch));
}

function forward({ nodeClient }: PodEventOptions, context: CellContext, body: JsonObject) {
  const { target, verb, query } = context;
  return askUpstream(nodeClient, context, {
    method: verb === 'create' ? 'POST' : verb === 'update' ? 'PUT' : 'PATCH',
    path: pathOf(target),
    query: writeQuery(query),
    body,
    contentType: context.body?.mediaType || 'application/json',
  });
}

/** What an event of either API is about. */
function aboutOf(event: JsonObject): JsonObject {
  const { involvedObject, regarding } = event;
  if (involvedObject !== undefined && regarding !== undefined) throw forbidden('bad-patch');
  const about = involvedObject ?? regarding;
  return isObject(about) ? about : {};
}

function isOwnPod(feed: PodFeed, session: CellSession, about: JsonObject, namespace: string | undefined): boolean {
  feed.requireComplete();
  const { kind, name, uid } = about;
  if (kind !== 'Pod' || typeof uid !== 'string' || about.namespace !== namespace) return false;
  const pod = feed.podsOf(session).find(({ metadata }) => metadata.uid === uid)?.metadata ?? session.shown.get(uid);
  return pod !== undefined && pod.name === name && pod.namespace === namespace;
}

function requireOwnEvent({ session, target }: CellContext): void {
  const { namespace, name = '' } = target;
  // 404 has the recorder create the event anew, where it is checked.
  if (!session.events.has(eventKey(namespace, name))) throw notFound('events', name);
}

function eventKey(namespace: string | undefined, name: string): string {
  return `${namespace}/${name}`;
}

function nameOf(body: Buffer): string {
  return (JSON.parse(body.toString()) as KubeObject).metadata.name;
}

function remember(session: CellSession, key: string): void {
  session.events.add(key);
  const [oldest] = session.events;
  if (session.events.size > MAX_EVENTS && oldest !== undefined) session.events.delete(oldest);
}
