import { CELL_ANNOTATION, nodeUser } from '../../core/names.ts';
import { leadersOf } from '../../install/leaders.ts';
import { call, getOrUndefined } from '../../kube/calls.ts';
import { hasCondition, type KubeObject } from '../../kube/objects.ts';
import { type Finding, failed, ok, type Patient, unknown } from './finding.ts';

/** Whether somebody leads every virtual node, and says so in its Node. */
export async function nodeCheck(patient: Patient): Promise<Finding> {
  const { client, nodes, namespace, virtualNode } = patient;
  if (nodes.length === 0)
    return failed(
      'virtual node',
      `there is no Node of ${virtualNode}`,
      'start a provider: nodeless install --image, or nodeless run',
    );
  const leaders = await leadersOf(patient, nodes);
  for (const [at, name] of nodes.entries()) {
    if (leaders[at] === undefined)
      return failed(
        'virtual node',
        `nobody leads ${name}`,
        `look at the provider’s log: kubectl logs -n ${namespace} -l app.kubernetes.io/name=nodeless`,
      );
    const node = await getOrUndefined<KubeObject>(client, `/api/v1/nodes/${name}`);
    if (!hasCondition(node, 'Ready'))
      return failed(
        'virtual node',
        `${name} is led, and not Ready`,
        `kubectl describe node ${name}; a leader that has just begun needs some seconds`,
      );
  }
  return ok('virtual node', `${nodes.join(', ')} led and Ready`);
}

interface Pod extends KubeObject {
  readonly spec?: { readonly containers: readonly { readonly name: string }[] };
  readonly status?: { readonly phase?: string };
}

const LOG_TIMEOUT_MS = 10_000;
const ENDPOINT_FIX =
  'see that the API server reaches the node’s InternalIP at its kubelet port (security groups, virtualNode.address), and its serving certificate';

/** A real log of a pod on a cell, by the way of kubectl: API server, kubelet endpoint, cell. Without such a pod, the endpoint alone. */
export async function logsCheck({ client, nodes }: Patient): Promise<Finding> {
  const [name] = nodes;
  if (name === undefined) return unknown('logs', 'there is no virtual node');
  const query = { fieldSelector: `spec.nodeName=${name},status.phase=Running` };
  const { items } = await call<{ items: readonly Pod[] }>(client, { method: 'GET', path: '/api/v1/pods', query });
  const pod = items.find(({ metadata }) => metadata.annotations?.[CELL_ANNOTATION] !== undefined);
  const timeoutMs = LOG_TIMEOUT_MS;
  if (pod === undefined) {
    const answer = await client.request({ method: 'GET', path: `/api/v1/nodes/${name}/proxy/healthz`, timeoutMs });
    const text = answer.body.toString().slice(0, 300);
    return answer.status === 200
      ? ok(
          'logs',
          `the API server reaches the kubelet endpoint of ${name}; no pod is on a cell whose log could be read`,
        )
      : failed('logs', `the API server does not reach the kubelet endpoint of ${name}: ${text}`, ENDPOINT_FIX);
  }
  const { namespace, name: podName } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${podName}/log`;
  const container = pod.spec?.containers[0]?.name ?? '';
  const accept = 'application/json, */*';
  const log = {
    method: 'GET',
    path,
    query: { container, tailLines: '1', limitBytes: '1000' },
    accept,
    timeoutMs,
  } as const;
  const { status, body } = await client.request(log);
  return status === 200
    ? ok('logs', `kubectl logs -n ${namespace} ${podName} works`)
    : failed('logs', `kubectl logs -n ${namespace} ${podName}: ${body.toString().slice(0, 300)}`, ENDPOINT_FIX);
}

interface SigningRequest extends KubeObject {
  readonly spec: { readonly username: string; readonly signerName: string };
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  };
}

const SIGNED_WITHIN_MS = 15_000;

/** What became of a request for a serving certificate. Pure. */
export function judgeSigning({ metadata, spec, status }: SigningRequest, nowMs: number): Finding | undefined {
  const { conditions = [], certificate } = status ?? {};
  const has = (type: string) => conditions.find((condition) => condition.type === type);
  const refused = has('Denied') ?? has('Failed');
  if (refused !== undefined)
    return failed(
      'serving certificate',
      `${metadata.name} is refused: ${refused.message ?? 'without a word'}`,
      `see what signs ${spec.signerName}, and kubeletEndpoint.signer`,
    );
  const ageMs = nowMs - Date.parse(String(metadata.creationTimestamp));
  if (ageMs < SIGNED_WITHIN_MS || certificate !== undefined) return undefined;
  return has('Approved') === undefined
    ? failed(
        'serving certificate',
        `nobody approves ${metadata.name}`,
        `kubectl certificate approve ${metadata.name}; with kubeletEndpoint.approval: self run nodeless install again with the provider’s configuration, which grants to approve for ${spec.signerName}`,
      )
    : failed(
        'serving certificate',
        `nobody signs ${metadata.name} as ${spec.signerName}`,
        'on EKS set kubeletEndpoint.signer: beta.eks.amazonaws.com/app-serving, and run nodeless install again with that configuration; elsewhere see that the controller manager signs',
      );
}

/** Whether the kubelet endpoints got what they serve with. */
export async function certificateCheck({ client, nodes, clock }: Patient): Promise<Finding> {
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const { items } = await call<{ items: readonly SigningRequest[] }>(client, { method: 'GET', path });
  const users = nodes.map(nodeUser);
  const ours = items.filter(({ spec }) => users.includes(spec.username));
  // The newest of each node counts: whoever failed before may have been mended.
  const newest = users.flatMap(
    (user) =>
      ours
        .filter(({ spec }) => spec.username === user)
        .toSorted(byAge)
        .at(-1) ?? [],
  );
  const wrong = newest.flatMap((request) => judgeSigning(request, clock.now()) ?? []);
  if (wrong[0] !== undefined) return wrong[0];
  return newest.length === 0
    ? ok('serving certificate', 'nothing was asked for in the last hour: it has one, or is self-signed')
    : ok('serving certificate', `${newest.map(({ spec }) => spec.signerName).join(', ')} signed it`);
}

function byAge(a: KubeObject, b: KubeObject): number {
  return String(a.metadata.creationTimestamp).localeCompare(String(b.metadata.creationTimestamp));
}
