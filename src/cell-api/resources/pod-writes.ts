import { CELL_READY_CONDITION, POLICY_ENFORCED_CONDITION } from '../../core/names.ts';
import type { KubeRequest } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import type { CellContext, CellHandler } from '../context.ts';
import { answer, type Reply, relayed } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody, MERGE, optionalJsonBody, STRATEGIC_MERGE } from '../http/body.ts';
import { badRequest, forbidden, notFound, Refusal } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import { requireSmallObject } from '../node/overlay-limits.ts';
import { jsonMerge, type MergeRules, strategicMerge } from '../node/strategic-merge.ts';
import type { AgentBook } from '../ports.ts';
import { type UpstreamOptions, writeUpstream } from '../upstream.ts';
import type { PodFeed } from './pod-feed.ts';

export interface PodWriteOptions extends UpstreamOptions {
  readonly feed: PodFeed;
  readonly agents: AgentBook;
}

/** Query parameters that are passed on; others that change what a write means are refused. */
const PASSED_ON = new Set(['dryRun', 'fieldManager', 'fieldValidation']);
/** `patchMergeKey`s of PodStatus (k8s.io/api v0.34). */
const POD_STATUS_MERGE_RULES: MergeRules = {
  conditions: { key: 'type' },
  hostIPs: { key: 'ip' },
  podIPs: { key: 'ip' },
  resourceClaimStatuses: { key: 'name' },
};
const DELETE_OPTIONS = { kind: 'DeleteOptions', apiVersion: 'v1' };
const DROPPED = new Set(['timeout', 'pretty']);

/** The query of a write as it goes upstream. @throws Refusal 400 */
export function writeQuery(query: URLSearchParams): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of query) {
    if (PASSED_ON.has(name)) passed[name] = value;
    else if (!DROPPED.has(name)) throw new Refusal(400, 'query has a parameter that is not supported');
  }
  return passed;
}

/** Status patches, deletions and evictions of the cell's own pods, each bound to the pod's uid. */
export function podWrites(options: PodWriteOptions): CellHandler {
  const { feed } = options;
  return async (context) => {
    const pod = ownPod(feed, context);
    const query = writeQuery(context.query);
    if (feed.isAgent(context.session, pod)) return writeAgent(options, context, pod);
    const request = requestOf(context, pod, query);
    const response = await writeUpstream(options, context, request);
    if (context.verb === 'patch' && response.status === 200 && query.dryRun === undefined) {
      feed.shown(context.session, pod).newest = JSON.parse(response.body.toString()) as KubeObject;
    }
    return relayed(response);
  };
}

function ownPod(feed: PodFeed, context: CellContext): WirePod {
  const { namespace, name = '' } = context.target;
  const pod = feed.podNamed(context.session, namespace, name);
  if (pod !== undefined) return pod;
  throw feed.hadPod(context.session, namespace, name) ? notFound('pods', name) : forbidden();
}

function requestOf(context: CellContext, pod: WirePod, query: Record<string, string>): KubeRequest {
  const { verb, target, body } = context;
  const path = pathOf(target);
  const uid = pod.metadata.uid ?? '';
  const { subresource } = target;
  if (verb === 'patch' && subresource === 'status') {
    const patch = statusPatch(jsonBody(body, [STRATEGIC_MERGE, MERGE]), uid, body?.mediaType === MERGE);
    patchedStatus(context, pod, patch);
    return { method: 'PATCH', path, query, body: patch, contentType: body?.mediaType ?? STRATEGIC_MERGE };
  }
  if (verb === 'delete' && subresource === undefined) {
    const options = optionalJsonBody(body);
    // The API server reads the query of a deletion only when there is no body.
    const dryRun = query.dryRun === undefined ? {} : { dryRun: [query.dryRun] };
    if ((options.kind ?? 'DeleteOptions') !== 'DeleteOptions') throw badRequest('the body is not a DeleteOptions');
    return { method: 'DELETE', path, query, body: { ...withUid(options, uid), ...dryRun, ...DELETE_OPTIONS } };
  }
  if (verb === 'create' && subresource === 'eviction') {
    const eviction = jsonBody(body);
    requireSameName(eviction, pod);
    const deleteOptions = withUid(isObject(eviction.deleteOptions) ? eviction.deleteOptions : {}, uid);
    return { method: 'POST', path, query, body: { ...eviction, deleteOptions } };
  }
  throw new Refusal(405, 'a cell can not do this to a pod', { denial: 'not-allowed' });
}

function requireSameName(eviction: JsonObject, pod: WirePod): void {
  const metadata = isObject(eviction.metadata) ? eviction.metadata : {};
  const { name = pod.metadata.name, namespace = pod.metadata.namespace } = metadata;
  if (name !== pod.metadata.name || namespace !== pod.metadata.namespace) {
    throw new Refusal(400, 'the name in the body does not match the name in the path', { denial: 'bad-patch' });
  }
}

/**
 * What a cell says of an agent is kept for this cell alone, and nothing of it goes upstream as it is: its status, and that
 * its kubelet has ended it once it is to end everywhere.
 */
function writeAgent({ agents }: PodWriteOptions, context: CellContext, pod: WirePod): Reply {
  const { verb, target, body, session, query } = context;
  const uid = pod.metadata.uid ?? '';
  const isDryRun = query.has('dryRun');
  if (verb === 'patch' && target.subresource === 'status') {
    const patch = statusPatch(jsonBody(body, [STRATEGIC_MERGE, MERGE]), uid, body?.mediaType === MERGE);
    const status = patchedStatus(context, pod, patch);
    if (!isDryRun) agents.tellAgent(session.cellId, uid, status);
    return answer({ ...pod, status });
  }
  if (verb === 'delete' && target.subresource === undefined && pod.metadata.deletionTimestamp !== undefined) {
    withUid(optionalJsonBody(body), uid);
    if (!isDryRun) agents.unseatAgent(session.cellId, uid);
    return answer(pod);
  }
  throw forbidden('not-allowed');
}

/** A pod's status as a patch leaves it. @throws Refusal 422 when that is too large */
function patchedStatus({ body }: CellContext, pod: WirePod, patch: JsonObject): JsonObject {
  const merge = body?.mediaType === MERGE ? jsonMerge : mergePodStatus;
  const status = merge((pod.status ?? {}) as JsonObject, patch.status as JsonObject);
  requireSmallObject(status);
  return status;
}

function mergePodStatus(status: JsonObject, patch: JsonObject): JsonObject {
  return strategicMerge(status, patch, POD_STATUS_MERGE_RULES);
}

/** DeleteOptions that act on this pod only, never on a later one of its name. @throws Refusal 409 */
function withUid(options: JsonObject, uid: string): JsonObject {
  const preconditions = isObject(options.preconditions) ? options.preconditions : {};
  requireUid(preconditions.uid, uid);
  return { ...options, preconditions: { ...preconditions, uid } };
}

function requireUid(given: unknown, uid: string): void {
  if (given !== undefined && given !== null && given !== uid) {
    throw new Refusal(409, 'the uid in the precondition does not match the uid of the pod');
  }
}

/**
 * A patch of a pod's status and of nothing else, bound to the pod's uid. A cell that was taken over could
 * otherwise write annotations, or take back the provider's own condition.
 * @throws Refusal 403, 409
 */
function statusPatch(patch: JsonObject, uid: string, replacesLists: boolean): JsonObject {
  const { status, metadata, ...others } = patch;
  const { uid: givenUid, ...otherMetadata } = isObject(metadata) ? metadata : {};
  const smuggles =
    Object.keys(others).length > 0 ||
    Object.keys(otherMetadata).length > 0 ||
    !(metadata === undefined || isObject(metadata)) ||
    !isObject(status) ||
    Object.keys(status).some((key) => key === '$patch' || key === '$retainKeys');
  if (smuggles) throw new Refusal(403, 'a cell may patch only the status of its pods', { denial: 'bad-patch' });
  requireUid(givenUid, uid);
  requireOwnConditions(status.conditions, replacesLists);
  return { metadata: { uid }, status };
}

const OURS: ReadonlySet<unknown> = new Set([CELL_READY_CONDITION, POLICY_ENFORCED_CONDITION]);

function requireOwnConditions(conditions: unknown, replacesLists: boolean): void {
  if (conditions === undefined) return;
  const touches =
    replacesLists ||
    !Array.isArray(conditions) ||
    conditions.some(
      (item) => !isObject(item) || OURS.has(item.type) || (item.$patch !== undefined && item.$patch !== 'delete'),
    );
  if (touches) {
    throw new Refusal(403, "a cell may not change the provider's conditions of a pod", { denial: 'bad-patch' });
  }
}
