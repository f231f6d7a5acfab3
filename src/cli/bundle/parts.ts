import packageJson from '../../../package.json' with { type: 'json' };
import { CELLS_PATH, GROUP, VERSION, WARM_POOLS_PATH, workloadName } from '../../core/names.ts';
import { installed } from '../../install/survey.ts';
import { call } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { examine, findingsText } from '../doctor/doctor.ts';
import type { Patient } from '../doctor/finding.ts';
import { standings } from '../status/status.ts';
import { plainObject, plainPod, scrubbedJson } from './redaction.ts';

/** One file of the bundle, and how its text is come by. */
export interface Part {
  readonly name: string;
  readonly read: () => Promise<string>;
}

/** Of each kind of object; the rest is left out. */
const MOST_OBJECTS = '1000';
/** Of each log. */
const LOG_LIMITS = { tailLines: '5000', limitBytes: '4194304' };

type Query = Readonly<Record<string, string>>;

async function listOf<T extends KubeObject>(
  client: KubeClient,
  path: string,
  query: Query = {},
): Promise<readonly T[]> {
  const limited = { ...query, limit: MOST_OBJECTS };
  return (await call<{ items: readonly T[] }>(client, { method: 'GET', path, query: limited })).items;
}

/** A path that answers with text. */
async function textAt(client: KubeClient, path: string, query: Query = {}): Promise<string> {
  const { status, body } = await client.request({ method: 'GET', path, query, accept: '*/*' });
  if (status !== 200) throw new Error(`${path} was answered with ${status}: ${body.toString().slice(0, 200)}`);
  return body.toString();
}

function objects(client: KubeClient, name: string, path: string, query: Query = {}): Part {
  return {
    name: `objects/${name}.json`,
    read: async () => scrubbedJson((await listOf(client, path, query)).map(plainObject)),
  };
}

/** What each of the provider's containers has logged, now and before its last restart. */
function logsOf(client: KubeClient, pod: WirePod): readonly Part[] {
  const { namespace = '', name } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
  return pod.spec.containers.flatMap(({ name: container }) => {
    const restarts = pod.status?.containerStatuses?.find((status) => status.name === container)?.restartCount ?? 0;
    const log = (file: string, more: Query): Part => ({
      name: `logs/${name}/${container}${file}.log`,
      read: () => textAt(client, path, { container, ...LOG_LIMITS, ...more }),
    });
    return [log('', {}), ...(restarts > 0 ? [log('-before', { previous: 'true' })] : [])];
  });
}

function objectParts({ client, namespace, nodes, virtualNode }: Patient): readonly Part[] {
  const own = `/api/v1/namespaces/${namespace}`;
  const admission = '/apis/admissionregistration.k8s.io/v1';
  const onNode = (node: string) => listOf<WirePod>(client, '/api/v1/pods', { fieldSelector: `spec.nodeName=${node}` });
  return [
    objects(client, 'nodes', '/api/v1/nodes'),
    objects(client, 'cells', CELLS_PATH),
    objects(client, 'cellclasses', `/apis/${GROUP}/${VERSION}/cellclasses`),
    objects(client, 'warmpools', WARM_POOLS_PATH),
    objects(client, 'namespaces', '/api/v1/namespaces'),
    objects(client, 'leases', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`),
    objects(client, 'mutating-webhooks', `${admission}/mutatingwebhookconfigurations`),
    objects(client, 'validating-webhooks', `${admission}/validatingwebhookconfigurations`),
    objects(client, 'csrs', '/apis/certificates.k8s.io/v1/certificatesigningrequests'),
    objects(client, 'endpointslices', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
    {
      name: 'configuration.json',
      read: async () => {
        const path = `${own}/configmaps/${workloadName(virtualNode)}`;
        return scrubbedJson((await call<{ data?: object }>(client, { method: 'GET', path })).data ?? {});
      },
    },
    {
      name: 'objects/pods.json',
      read: async () => scrubbedJson((await Promise.all(nodes.map(onNode))).flat().map(plainPod)),
    },
    {
      name: 'objects/provider-pods.json',
      read: async () => scrubbedJson((await listOf<WirePod>(client, `${own}/pods`)).map(plainPod)),
    },
    {
      name: 'events.json',
      read: async () => scrubbedJson((await listOf(client, '/api/v1/events')).map(plainObject)),
    },
  ];
}

/** All that a bundle has. Nothing of it reads a Secret, or a ConfigMap that is not the provider's. */
export async function partsOf(patient: Patient): Promise<readonly Part[]> {
  const { client, namespace, nodes } = patient;
  const provider = await listOf<WirePod>(client, `/api/v1/namespaces/${namespace}/pods`, {
    labelSelector: 'app.kubernetes.io/name=nodeless',
  }).catch(() => []);
  return [
    {
      name: 'versions.json',
      read: async () =>
        scrubbedJson({
          nodeless: packageJson.version,
          node: process.version,
          cluster: await call(client, { method: 'GET', path: '/version' }),
        }),
    },
    { name: 'doctor.txt', read: async () => findingsText(await examine(patient)) },
    { name: 'status.json', read: async () => scrubbedJson(await standings(patient)) },
    { name: 'installed.json', read: async () => scrubbedJson(Object.fromEntries(await installed(client))) },
    ...objectParts(patient),
    ...nodes.map((node) => ({
      name: `metrics/${node}.txt`,
      read: () => textAt(client, `/api/v1/nodes/${node}/proxy/metrics`),
    })),
    ...provider.flatMap((pod) => logsOf(client, pod)),
  ];
}
