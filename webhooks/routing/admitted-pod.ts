import type { V1Affinity, V1PodSpec, V1Toleration, V1TopologySpreadConstraint } from '@kubernetes/client-node';
import { z } from 'zod';

const labels = z.record(z.string(), z.string()).nullish();
const list = z.array(z.looseObject({})).nullish();
const owner = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string(),
  name: z.string(),
  controller: z.boolean().nullish(),
});
const container = z.looseObject({ name: z.string().default(''), ports: list });
const containers = z.array(container).nullish();

/** What routing reads of a pod; all the rest passes. Admission comes before validation: values may make no sense. */
export const admittedPod = z.looseObject({
  metadata: z.looseObject({
    name: z.string().optional(),
    labels,
    annotations: labels,
    ownerReferences: z.array(owner).nullish(),
  }),
  spec: z.looseObject({
    containers,
    initContainers: containers,
    ephemeralContainers: containers,
    volumes: z.array(z.looseObject({ name: z.string().default('') })).nullish(),
    nodeSelector: labels,
    affinity: z.looseObject({}).nullish(),
    tolerations: list,
    topologySpreadConstraints: list,
    resourceClaims: list,
    nodeName: z.string().optional(),
    schedulerName: z.string().optional(),
  }),
});

type Labels = Readonly<Record<string, string>>;

/** A pod as the API server shows it to a webhook: read, never changed in place. */
export interface AdmittedPod {
  readonly metadata: {
    readonly name?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly ownerReferences?: readonly {
      readonly apiVersion?: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly spec: V1PodSpec;
}

/** The DaemonSet that a pod is of. Kubernetes' own alone: of other kinds of that name nobody knows a policy. */
export function daemonSetOf({ metadata }: AdmittedPod) {
  return metadata.ownerReferences?.find(
    ({ apiVersion, kind, controller }) =>
      kind === 'DaemonSet' && apiVersion?.startsWith('apps/') && controller === true,
  );
}

/** The fields of a pod that routing may change. */
export interface Routed {
  readonly annotations: Labels;
  readonly nodeSelector: Labels;
  readonly tolerations: readonly V1Toleration[];
  readonly affinity: V1Affinity;
  readonly topologySpreadConstraints: readonly V1TopologySpreadConstraint[];
}

/** Without what is neither set nor a list of something. */
function withoutEmpty<T extends object>(object: T): T {
  const entries = Object.entries(object).filter(
    ([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(entries) as T;
}

/** An affinity without the parts that say nothing. */
export function tidied(affinity: V1Affinity): V1Affinity {
  const parts = Object.entries(affinity)
    .map(([name, part]) => [name, part == null ? {} : withoutEmpty(part as object)] as const)
    .filter(([, part]) => Object.keys(part).length > 0);
  return Object.fromEntries(parts) as V1Affinity;
}

/** Those fields of a pod, empty where they are not set. */
export function routedOf({ metadata, spec }: AdmittedPod): Routed {
  return {
    annotations: metadata.annotations ?? {},
    nodeSelector: spec.nodeSelector ?? {},
    tolerations: spec.tolerations ?? [],
    affinity: tidied(spec.affinity ?? {}),
    topologySpreadConstraints: spec.topologySpreadConstraints ?? [],
  };
}
