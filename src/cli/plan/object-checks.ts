import { parseCellClass } from '../../core/cell-class.ts';
import { NodelessError } from '../../core/errors.ts';
import { GROUP, VERSION } from '../../core/names.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** What a plan is made of, by kind. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  CellClass: `${GROUP}/${VERSION}`,
  CronJob: 'batch/v1',
  DaemonSet: 'apps/v1',
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  Namespace: 'v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  Pod: 'v1',
  ReplicaSet: 'apps/v1',
  ReplicationController: 'v1',
  StatefulSet: 'apps/v1',
};

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST_NAME = 253;

function isName(name: string): boolean {
  return name.length <= LONGEST_NAME && NAME.test(name);
}

/** Whether an object is of neither Kubernetes nor Nodeless: it may make pods, in ways that are not known here. */
export function isForeign({ apiVersion = '', kind = '', spec }: KubeObject): boolean {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [];
  if (group.includes('.')) return !group.endsWith('.k8s.io') && group !== GROUP;
  const hasPods = (spec as { template?: { spec?: unknown } } | undefined)?.template?.spec !== undefined;
  return API_VERSIONS[kind] === undefined && hasPods;
}

/** @throws NodelessError ConfigInvalid for what a cluster would not take, of the kinds that a plan is made of */
export function checkObject(object: KubeObject): void {
  const { apiVersion, kind = '', metadata } = object;
  const { name, namespace, generateName } = metadata;
  const wanted = API_VERSIONS[kind];
  if (wanted === undefined) return;
  const wrong = (what: string) => new NodelessError({ code: 'ConfigInvalid', message: `${kind} ${name} ${what}` });
  if (apiVersion !== undefined && apiVersion !== wanted)
    throw wrong(`has apiVersion ${apiVersion}, where it is ${wanted}`);
  // What is generated goes on after the last -.
  if (!isName(name === generateName ? `${name}x` : name))
    throw wrong('has a name that Kubernetes refuses: lower-case letters, digits, - and . are allowed');
  if (namespace !== undefined && !isName(namespace)) throw wrong(`is in ${namespace}, which is no name of a namespace`);
  if (kind === 'CellClass') parseCellClass(object);
}
