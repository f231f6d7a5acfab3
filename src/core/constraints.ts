import { z } from 'zod';
import { messageOf, NodelessError } from './errors.ts';
import { LAUNCH_TYPE_LABEL } from './names.ts';
import type { Offering } from './offerings.ts';

export const ARCH_LABEL = 'kubernetes.io/arch';
const INSTANCE_TYPE_LABEL = 'node.kubernetes.io/instance-type';
export const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Each cell is a host of its own, so what asks for different hosts is true of cells that run one pod each. */
export const HOSTNAME_LABEL = 'kubernetes.io/hostname';

/** 64 KiB: thousands of instance types by name; an annotation may have four times as much. */
export const MAX_CONSTRAINTS_BYTES = 64 * 1_024;

const INTEGER = /^[+-]?\d{1,18}$/;
const key = z.string().min(1).max(317);
const value = z.string().max(63);

const requirement = z.discriminatedUnion('operator', [
  z.strictObject({ key, operator: z.enum(['In', 'NotIn']), values: z.array(value).min(1) }),
  z.strictObject({ key, operator: z.enum(['Exists', 'DoesNotExist']), values: z.array(value).max(0).optional() }),
  z.strictObject({
    key,
    operator: z.enum(['Gt', 'Lt']),
    values: z.tuple([z.string().regex(INTEGER, 'Gt and Lt compare with one integer')]),
  }),
]);

const term = z.array(requirement).min(1);

const labelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z.array(requirement).optional(),
});

/** A pod affinity term or a topology spread constraint, as it was in the spec. */
const podTerm = z.looseObject({
  topologyKey: z.literal(HOSTNAME_LABEL),
  labelSelector: labelSelector.optional(),
  namespaceSelector: labelSelector.optional(),
  namespaces: z.array(z.string()).optional(),
  matchLabelKeys: z.array(z.string()).optional(),
  mismatchLabelKeys: z.array(z.string()).optional(),
});

const constraintsSchema = z
  .strictObject({
    required: z.array(term).min(1).optional(),
    preferred: z.array(z.strictObject({ weight: z.number().int().min(1).max(100), term })).optional(),
    apart: z.array(podTerm).min(1).optional(),
    spread: z.array(podTerm).min(1).optional(),
  })
  .readonly();

/** A node selector requirement, as Kubernetes has it. */
export type Requirement = z.output<typeof requirement>;
/** Requirements that hold together. */
export type Term = readonly Requirement[];

/** A term about other pods on the same host. */
export type PodTerm = z.output<typeof podTerm>;

/** What a pod asks of the machine that becomes its cell. */
export interface Constraints {
  /** One of these must hold; without any, every machine will do. */
  readonly required?: readonly Term[] | undefined;
  /** The more weight holds, the better. */
  readonly preferred?: readonly { readonly weight: number; readonly term: Term }[] | undefined;
  /** Required anti-affinity terms by host: pods that may not be on this pod's machine. */
  readonly apart?: readonly PodTerm[] | undefined;
  /** Required topology spread constraints by host. */
  readonly spread?: readonly PodTerm[] | undefined;
}

export const UNCONSTRAINED: Constraints = {};

type Labels = Readonly<Record<string, string>>;

function isInteger(text: string | undefined): text is string {
  return text !== undefined && INTEGER.test(text);
}

/** Whether labels meet a requirement, as k8s.io/component-helpers `nodeaffinity` has it: NotIn is met by absence. */
export function meets({ key: name, operator, values = [] }: Requirement, labels: Labels): boolean {
  const has = Object.hasOwn(labels, name) ? labels[name] : undefined;
  switch (operator) {
    case 'In':
      return has !== undefined && values.includes(has);
    case 'NotIn':
      return has === undefined || !values.includes(has);
    case 'Exists':
      return has !== undefined;
    case 'DoesNotExist':
      return has === undefined;
    case 'Gt':
      return isInteger(has) && isInteger(values[0]) && BigInt(has) > BigInt(values[0]);
    case 'Lt':
      return isInteger(has) && isInteger(values[0]) && BigInt(has) < BigInt(values[0]);
  }
}

function holds(requirements: Term, labels: Labels): boolean {
  return requirements.every((one) => meets(one, labels));
}

/** Whether a machine with these labels will do. */
export function admits({ required }: Constraints, labels: Labels): boolean {
  return required === undefined || required.some((requirements) => holds(requirements, labels));
}

/** The weight of what is preferred and holds; more is better, as in the scheduler's scoring. */
export function preferenceOf({ preferred = [] }: Constraints, labels: Labels): number {
  return preferred.reduce((sum, { weight, term: wanted }) => sum + (holds(wanted, labels) ? weight : 0), 0);
}

/** Labels of offerings. One Node has only one value of each, but its cells have many: terms on them constrain the cell. */
export const OFFERING_LABELS: readonly string[] = [ARCH_LABEL, INSTANCE_TYPE_LABEL, LAUNCH_TYPE_LABEL, ZONE_LABEL];

/** Older names of the same labels, which manifests still have. */
const ALIASES: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': ARCH_LABEL,
  'beta.kubernetes.io/instance-type': INSTANCE_TYPE_LABEL,
  'failure-domain.beta.kubernetes.io/zone': ZONE_LABEL,
};

/** The name of a label by which offerings have it. */
export function canonicalLabel(label: string): string {
  return Object.hasOwn(ALIASES, label) ? (ALIASES[label] ?? label) : label;
}

/** An offering's labels. */
export function labelsOf(offering: Pick<Offering, 'arch' | 'instanceType' | 'launchType' | 'zone'>): Labels {
  return {
    [ARCH_LABEL]: offering.arch,
    [INSTANCE_TYPE_LABEL]: offering.instanceType,
    [LAUNCH_TYPE_LABEL]: offering.launchType,
    [ZONE_LABEL]: offering.zone,
  };
}

/** Texts that are remembered with what they say, and how long one may be for that. */
const MAX_KNOWN = 500;
const MAX_KNOWN_CHARS = 2_048;
/** Pods of one controller have the same text, which is read several times for each of them. */
const known = new Map<string, Constraints>();

function remember(annotation: string, constraints: Constraints): Constraints {
  if (annotation.length > MAX_KNOWN_CHARS) return constraints;
  const [oldest] = known.keys();
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  known.set(annotation, constraints);
  return constraints;
}

/**
 * Reads a pod's annotation `nodeless.io/constraints`, which users may write too. What it gives is shared.
 * @throws NodelessError ConfigInvalid that names what is wrong and where
 */
export function parseConstraints(annotation: string | undefined): Constraints {
  if (annotation === undefined) return UNCONSTRAINED;
  return known.get(annotation) ?? remember(annotation, parsed(annotation));
}

function parsed(annotation: string): Constraints {
  try {
    if (Buffer.byteLength(annotation) > MAX_CONSTRAINTS_BYTES)
      throw new Error(`it is longer than ${MAX_CONSTRAINTS_BYTES} bytes`);
    const result = constraintsSchema.safeParse(JSON.parse(annotation));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new Error(`${issue?.path.join('.') || 'it'}: ${issue?.message}`);
  } catch (cause) {
    const message = `the annotation nodeless.io/constraints can not be read: ${messageOf(cause)}; remove it, and state node selectors and affinity in the pod's spec`;
    throw new NodelessError({ code: 'ConfigInvalid', message, cause });
  }
}
