import type { V1PodSpec, V1Volume } from '@kubernetes/client-node';
import { NodelessError } from '../../core/errors.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { unknownFields } from './unknown-fields.ts';

/** More than any virtual node has; each pod is chosen a cell for, so a slip of the pen would take hours. */
const MOST_PODS = 20_000;

/** Something that makes pods, with one of them as it will be made. */
export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** How many pods it has at once. */
  readonly replicas: number;
  readonly pod: WirePod;
  /** Fields that its kind has not: whatever was meant by them does not count. */
  readonly unknownFields: readonly string[];
}

interface Template {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: V1PodSpec;
}

interface Spec {
  readonly replicas?: number;
  readonly parallelism?: number;
  readonly completions?: number;
  readonly template?: Template;
  readonly jobTemplate?: { readonly spec?: Spec };
  readonly volumeClaimTemplates?: readonly { readonly metadata?: { readonly name?: string } }[];
}

interface Made {
  readonly template: Template | undefined;
  readonly replicas?: number | undefined;
}

/** A Job runs no more pods at once than it still has to complete. */
function ofJob({ template, parallelism, completions }: Spec): Made {
  return { template, replicas: Math.min(parallelism ?? 1, completions ?? Number.POSITIVE_INFINITY) };
}

/** What makes the pods of each kind; `replicas` is 1 unless the object says otherwise. */
const MAKERS: Readonly<Record<string, (spec: Spec) => Made>> = {
  Deployment: ({ template, replicas }) => ({ template, replicas }),
  ReplicaSet: ({ template, replicas }) => ({ template, replicas }),
  ReplicationController: ({ template, replicas }) => ({ template, replicas }),
  StatefulSet: ({ template, replicas, volumeClaimTemplates }) => ({
    template: withClaims(template, volumeClaimTemplates ?? []),
    replicas,
  }),
  DaemonSet: ({ template }) => ({ template }),
  Job: ofJob,
  CronJob: ({ jobTemplate }) => ofJob(jobTemplate?.spec ?? {}),
};

/** The kinds that have pods. */
export const WORKLOAD_KINDS: readonly string[] = ['Pod', ...Object.keys(MAKERS)];

function withClaims(template: Template | undefined, claims: NonNullable<Spec['volumeClaimTemplates']>): Template {
  const volumes = claims.map(({ metadata }): V1Volume => {
    const name = metadata?.name ?? 'claim';
    return { name, persistentVolumeClaim: { claimName: name } };
  });
  const spec = template?.spec ?? { containers: [] };
  return { ...template, spec: { ...spec, volumes: [...volumes, ...(spec.volumes ?? [])] } };
}

function podOf(
  { apiVersion = 'apps/v1', kind, metadata }: KubeObject,
  namespace: string,
  template: Template | undefined,
): WirePod {
  const { name, uid } = metadata;
  if (!Array.isArray(template?.spec?.containers)) {
    const message = `${kind} ${name} has no containers in its pod's spec`;
    throw new NodelessError({ code: 'ConfigInvalid', message });
  }
  const owners =
    kind === 'Pod'
      ? {}
      : { ownerReferences: [{ apiVersion, kind, name, controller: true, ...(uid === undefined ? {} : { uid }) }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template?.metadata, name, namespace, ...owners },
    spec: template?.spec as V1PodSpec,
  };
}

/** @throws NodelessError ConfigInvalid for numbers of pods that Kubernetes refuses, or that are too many to plan */
function checkCounts({ kind, metadata, spec }: KubeObject): void {
  const ofPods = (spec ?? {}) as Spec;
  for (const counts of [ofPods, ofPods.jobTemplate?.spec ?? {}]) {
    for (const field of ['replicas', 'parallelism', 'completions'] as const) {
      const count: unknown = counts[field] ?? 0;
      const limits = field === 'completions' ? '0 or more' : `0 to ${MOST_PODS}`;
      const isAllowed = field === 'completions' || Number(count) <= MOST_PODS;
      if (Number.isSafeInteger(count) && Number(count) >= 0 && isAllowed) continue;
      const message = `${kind} ${metadata.name} has ${field} ${JSON.stringify(count)}, which is a whole number, ${limits}`;
      throw new NodelessError({ code: 'ConfigInvalid', message });
    }
  }
}

/**
 * The workload that an object is; undefined for what has no pods, such as a Service.
 * @throws NodelessError ConfigInvalid when it should have pods and tells of none
 */
export function workloadOf(object: KubeObject, defaultNamespace: string): Workload | undefined {
  const { kind = '', metadata } = object;
  const { name, namespace = defaultNamespace } = metadata;
  const head = { kind, namespace, name, unknownFields: unknownFields(object, `V1${kind}`) };
  if (kind === 'Pod') {
    const template = object as unknown as Template;
    return { ...head, replicas: 1, pod: podOf(object, namespace, template) };
  }
  const maker = MAKERS[kind];
  if (maker === undefined) return undefined;
  checkCounts(object);
  const made = maker((object.spec ?? {}) as Spec);
  return { ...head, replicas: made.replicas ?? 1, pod: podOf(object, namespace, made.template) };
}
