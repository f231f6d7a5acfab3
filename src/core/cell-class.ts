import { z } from 'zod';
import { durationField } from './duration-field.ts';
import { NodelessError } from './errors.ts';
import { LAUNCH_TYPES } from './offerings.ts';
import { quantityField, sizeField } from './quantity-field.ts';
import { describeIssue } from './schema-issues.ts';

/** How many entries a list in a class may have. */
const MAX_ENTRIES = 64;
const MAX_NAMESPACES = 256;

const launchTypes = z.array(z.enum(LAUNCH_TYPES)).min(1).max(LAUNCH_TYPES.length);
const glob = z.string().regex(/^[a-zA-Z0-9.*?-]{1,63}$/, 'is a glob over an instance type, such as m7g.* or *.metal');
const globs = z.array(glob).min(1).max(MAX_ENTRIES);
const text = z.string().min(1).max(256);
const tags = z.record(z.string().min(1).max(128), z.string().max(256));

/** What is named in the cloud by its id, or found there by its tags. */
function selection(idPattern: RegExp, example: string) {
  return z
    .strictObject({
      id: z.string().regex(idPattern, `is an id such as ${example}`).optional(),
      tags: tags.optional(),
    })
    .refine(({ id, tags: byTags }) => (id === undefined) !== (byTags === undefined), 'has either an id or tags');
}

const image = z
  .strictObject({
    family: z.enum(['al2023', 'bottlerocket']).optional(),
    id: z
      .string()
      .regex(/^ami-[0-9a-f]{8,17}$/, 'is an id such as ami-0abcdef1234567890')
      .optional(),
    ssmAlias: z
      .string()
      .regex(/^\/[a-zA-Z0-9._/-]{1,254}$/, 'is the path of an SSM parameter')
      .optional(),
  })
  .refine(
    ({ family, id, ssmAlias }) => [family, id, ssmAlias].filter((given) => given !== undefined).length === 1,
    'has exactly one of family, id and ssmAlias',
  );

const rootVolume = z.strictObject({
  size: quantityField.prefault('20Gi'),
  type: z.enum(['gp3', 'gp2', 'io1', 'io2']).default('gp3'),
  iops: z.int().min(100).max(256_000).optional(),
  throughputMiBps: z.int().min(125).max(2_000).optional(),
  encrypted: z.boolean().default(true),
  kmsKey: text.optional(),
});

const percent = z.int().min(0).max(100);
const reserved = z.strictObject({ cpu: quantityField.optional(), memory: quantityField.optional() });

/** Settings of the cells' kubelets, by KubeletConfiguration's own names. */
const kubelet = z
  .strictObject({
    systemReserved: reserved.optional(),
    kubeReserved: reserved.optional(),
    evictionHard: z.record(z.string().min(1).max(63), z.string().min(1).max(63)).optional(),
    podPidsLimit: z.int().min(-1).optional(),
    cpuCFSQuota: z.boolean().optional(),
    imageGCHighThresholdPercent: percent.optional(),
    imageGCLowThresholdPercent: percent.optional(),
  })
  .refine(
    ({ imageGCHighThresholdPercent: high = 85, imageGCLowThresholdPercent: low = 80 }) => low < high,
    'has an imageGCLowThresholdPercent that is not below imageGCHighThresholdPercent',
  );

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'is a name of a Kubernetes object');
const agent = z.strictObject({ namespace: name, daemonSet: name });

const budgets = z.strictObject({
  maxCells: z.int().min(0).optional(),
  maxPricePerHourUsd: z.number().min(0).optional(),
});

const fields = z.strictObject({
  default: z.boolean().default(false),
  namespaces: z
    .array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is the name of a namespace'))
    .min(1)
    .max(MAX_NAMESPACES)
    .optional(),
  launchTypes: z
    .strictObject({ allowed: launchTypes.optional(), preferred: launchTypes.optional() })
    .refine(
      ({ allowed, preferred = [] }) => allowed === undefined || preferred.every((type) => allowed.includes(type)),
      'prefers a type that is not allowed',
    )
    .prefault({}),
  instanceTypes: z.strictObject({ include: globs.optional(), exclude: globs.optional() }).prefault({}),
  defaultSize: sizeField.optional(),
  budgets: budgets.prefault({}),
  agents: z.array(agent).max(MAX_ENTRIES).default([]),
  networkPolicyEnforcer: z.string().min(1).max(63).optional(),
  expireAfter: durationField.optional(),
  image: image.optional(),
  subnets: z
    .array(selection(/^subnet-[0-9a-f]{8,17}$/, 'subnet-0abcdef1'))
    .max(MAX_ENTRIES)
    .default([]),
  securityGroups: z
    .array(selection(/^sg-[0-9a-f]{8,17}$/, 'sg-0abcdef1'))
    .max(MAX_ENTRIES)
    .default([]),
  instanceProfile: text.optional(),
  rootVolume: rootVolume.prefault({}),
  userData: z.string().max(12_288).optional(),
  kubelet: kubelet.prefault({}),
  tags: tags
    .refine(
      (given) => Object.keys(given).every((key) => !/^(aws:|nodeless\.io\/)/.test(key)),
      'has a key that begins with aws: or nodeless.io/, which are not yours to set',
    )
    .default({}),
});

const spec = fields.refine(
  (given) => !given.default || given.namespaces === undefined,
  'has namespaces, and is the default, which is for all of them',
);

/** The schema of a CellClass's spec; deploy/crds/cellclasses.yaml has the same fields, and says what each means. */
export const cellClassSpecSchema = spec;

/** A class as it is written down, checked and with its defaults; `expireAfter` in milliseconds. */
export type CellClassSpec = z.output<typeof spec>;

export interface CellClass {
  readonly name: string;
  readonly spec: CellClassSpec;
}

/**
 * Checks a CellClass object and fills in its defaults.
 * @throws NodelessError ConfigInvalid naming every field that is wrong.
 */
export function parseCellClass(object: {
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
}): CellClass {
  const { name: className } = object.metadata;
  const result = spec.safeParse(object.spec ?? {});
  if (result.success) return { name: className, spec: result.data };
  const message = `CellClass ${className} is not valid: ${result.error.issues.map((issue) => describeIssue(issue, 'class')).join('; ')}`;
  throw new NodelessError({ code: 'ConfigInvalid', message, identity: { cellClass: className } });
}
