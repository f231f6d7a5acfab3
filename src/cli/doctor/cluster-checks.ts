import { installedConfig } from '../../install/configuration.ts';
import { call, getOrUndefined } from '../../kube/calls.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { type Finding, failed, ok, type Patient, unknown, warning } from './finding.ts';

const OLDEST_MINOR = 33;

/** Whether a version of Kubernetes is one that the provider speaks with. Pure. */
export function judgeVersion(gitVersion: string): Finding {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  if (major === undefined) return unknown('version', `the API server calls its version ${gitVersion}`);
  const isOld = Number(major) === 1 && Number(minor) < OLDEST_MINOR;
  return isOld
    ? failed('version', `the API server is ${gitVersion}`, `upgrade it to v1.${OLDEST_MINOR} or newer`)
    : ok('version', `the API server is ${gitVersion}`);
}

export async function versionCheck({ client }: Patient): Promise<Finding> {
  const { gitVersion } = await call<{ gitVersion: string }>(client, { method: 'GET', path: '/version' });
  return judgeVersion(gitVersion);
}

interface ServiceObject extends KubeObject {
  readonly spec?: { readonly clusterIP?: string };
}

interface Slices {
  readonly items: readonly { readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] }[];
}

interface Sections {
  readonly cluster?: { readonly dns?: string };
}

const DEFAULT_DNS = '10.96.0.10';

/** Whether pods on cells ask a name server that is there. */
export async function dnsCheck(patient: Patient): Promise<Finding> {
  const { client } = patient;
  const service = await getOrUndefined<ServiceObject>(client, '/api/v1/namespaces/kube-system/services/kube-dns');
  if (service === undefined) return unknown('DNS', 'the cluster has no Service kube-system/kube-dns to compare with');
  const config = await installedConfig(patient);
  const { dns = DEFAULT_DNS } = (config as Sections | undefined)?.cluster ?? {};
  const address = service.spec?.clusterIP ?? '';
  if (config !== undefined && dns !== address)
    return failed(
      'DNS',
      `pods on cells ask ${dns}, and the cluster’s DNS is ${address}`,
      `set cluster.dns: ${address} in the configuration, and install again`,
    );
  const query = { labelSelector: 'kubernetes.io/service-name=kube-dns' };
  const path = '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices';
  const { items } = await call<Slices>(client, { method: 'GET', path, query });
  const ready = items.flatMap(({ endpoints = [] }) => endpoints).filter(({ conditions }) => conditions?.ready === true);
  if (ready.length === 0)
    return failed(
      'DNS',
      `nothing is behind ${address}`,
      'see that the cluster’s DNS pods run: they stay on regular nodes',
    );
  const unsure = config === undefined ? `; the provider runs elsewhere: its cluster.dns has to be ${address}` : '';
  return ok('DNS', `${address} has ${ready.length} ready endpoints${unsure}`);
}

const NETWORKS: Readonly<Record<string, string>> = {
  'aws-node': 'Amazon VPC CNI',
  'calico-node': 'Calico',
  cilium: 'Cilium',
  kindnet: 'kindnet',
  'kube-flannel-ds': 'Flannel',
  'kube-router': 'kube-router',
};

/** What the network of the regular nodes is to cells. Pure in the names of the cluster's DaemonSets. */
export function judgeNetwork(daemonSets: readonly string[]): Finding {
  const found = Object.keys(NETWORKS).filter((name) => daemonSets.includes(name));
  const names = found.map((name) => NETWORKS[name]).join(', ');
  if (found.length === 0) return unknown('CNI', 'no DaemonSet of a network that is known; cells bring their own');
  if (found.includes('cilium'))
    return warning(
      'CNI',
      'Cilium gives identities to pods of its own agents, of which cells have none',
      'select pods on cells by address (CIDR) in its policies, and set networkPolicyEnforcer in no CellClass',
    );
  return ok('CNI', `${names} on regular nodes; cells have their own network`);
}

export async function networkCheck({ client }: Patient): Promise<Finding> {
  const { items } = await call<{ items: readonly KubeObject[] }>(client, {
    method: 'GET',
    path: '/apis/apps/v1/daemonsets',
  });
  return judgeNetwork(items.map(({ metadata }) => metadata.name));
}
