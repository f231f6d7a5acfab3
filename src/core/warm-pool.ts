import { z } from 'zod';
import { durationField } from './duration-field.ts';
import { NodelessError } from './errors.ts';
import { isImageReference } from './image-reference.ts';
import type { LabelSelector } from './label-selector.ts';
import { LAUNCH_TYPES, type LaunchType } from './offerings.ts';
import { contradiction, type ScheduleWindow, scheduleField } from './pool-schedule.ts';
import { quantityField } from './quantity-field.ts';
import { type Resources, resourcesOf } from './resources.ts';
import { describeIssue } from './schema-issues.ts';

const MAX_ENTRIES = 64;
const MAX_NAMESPACES = 256;
const MOST_IMAGES = 16;
/** Where a pool keeps cells: with machines that run, or that are stopped and cost their disks alone. */
const TIERS = ['running', 'stopped'] as const;
/** As many cells as one virtual node takes pods by default. */
const MOST_CELLS = 1_000;

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'is a name of a Kubernetes object');
const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is the name of a namespace');
const cells = z.int().min(0).max(MOST_CELLS);

const shape = z
  .strictObject({ cpu: quantityField, memory: quantityField, ephemeralStorage: quantityField.optional() })
  .transform(({ cpu, memory, ephemeralStorage = 0 }, context): Resources => {
    try {
      return resourcesOf({ cpu, memory, 'ephemeral-storage': String(ephemeralStorage) });
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  })
  .refine(
    ({ cpuMilli, memoryBytes }) => cpuMilli > 0 && memoryBytes > 0,
    'has no CPU or no memory; name what a pod of the pool requests',
  );

const selector = z.strictObject({
  matchLabels: z.record(z.string().min(1).max(317), z.string().max(63)).optional(),
  matchExpressions: z
    .array(
      z
        .strictObject({
          key: z.string().min(1).max(317),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(z.string().max(63)).max(MAX_ENTRIES).optional(),
        })
        .refine(
          ({ operator, values = [] }) => operator.endsWith('In') === values.length > 0,
          'has values with In and NotIn, and none with Exists and DoesNotExist',
        ),
    )
    .max(MAX_ENTRIES)
    .optional(),
});

const startupSla = z.strictObject({
  target: durationField
    .refine((ms) => ms > 0, 'is longer than nothing; name how soon pods are to start, such as 5s')
    .prefault('5s'),
  percentile: z.number().min(50).max(99.9).default(95),
});

const fields = z.strictObject({
  shape: shape.optional(),
  selector: selector.optional(),
  namespaces: z.array(namespace).min(1).max(MAX_NAMESPACES).optional(),
  cellClass: name.optional(),
  launchTypes: z
    .array(z.enum(LAUNCH_TYPES))
    .min(1)
    .max(LAUNCH_TYPES.length)
    .refine(
      (types) => !types.includes('fargate'),
      'names fargate, whose tasks are made for one pod and can not be claimed by another; drop it',
    )
    .optional(),
  zone: z.string().min(1).max(63).optional(),
  startupSla: startupSla.prefault({}),
  min: cells.default(0),
  max: cells.default(10),
  replicas: cells.default(0),
  schedule: scheduleField.optional(),
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .max(TIERS.length)
    .refine(
      (tiers) => tiers.includes('running'),
      'has no running, which is what cells are started to; add it: they are kept so only where stopped ones are too slow',
    )
    .default(['running']),
  images: z
    .array(
      z
        .string()
        .max(512)
        .refine(isImageReference, 'is no image; name it as a container does, such as registry.k8s.io/pause:3.10'),
    )
    .max(MOST_IMAGES)
    .optional(),
  budget: z.strictObject({ maxPricePerHourUsd: z.number().min(0).optional() }).prefault({}),
});

const spec = fields.superRefine((all, context) => {
  const { min, max, shape: size, selector: pods, budget } = all;
  const wrong = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (min > max) wrong(['min'], `is ${min}, and spec.max is ${max}; lower min, or raise max`);
  const contradictory = min > max ? undefined : contradiction(all);
  if (contradictory !== undefined) wrong(['schedule'], contradictory);
  if (size === undefined && pods === undefined)
    wrong(['shape'], 'is not given, and spec.selector neither; give the size of the pods, or select them');
  if (min > 0 && budget.maxPricePerHourUsd === 0)
    wrong(['budget', 'maxPricePerHourUsd'], `is 0, and spec.min is ${min}; raise the budget, or set min to 0`);
});

/** The schema of a WarmPool's spec; deploy/crds/warmpools.yaml has the same fields, and says what each means. */
export const warmPoolSpecSchema = spec;

type Parsed = z.output<typeof spec>;

/** A pool as it is written down, checked and with its defaults; the target in milliseconds. */
export interface WarmPoolSpec extends Omit<Parsed, 'selector' | 'launchTypes' | 'schedule'> {
  readonly selector?: LabelSelector | undefined;
  readonly launchTypes?: readonly LaunchType[] | undefined;
  readonly schedule?: readonly ScheduleWindow[] | undefined;
}

export interface WarmPool {
  readonly name: string;
  readonly uid: string;
  readonly spec: WarmPoolSpec;
}

/**
 * Checks a WarmPool object and fills in its defaults.
 * @throws NodelessError ConfigInvalid naming every field that is wrong, and what mends it.
 */
export function parseWarmPool(object: {
  readonly metadata: { readonly name: string; readonly uid?: string | undefined };
  readonly spec?: unknown;
}): WarmPool {
  const { name: poolName, uid = '' } = object.metadata;
  const result = spec.safeParse(object.spec ?? {});
  if (result.success) return { name: poolName, uid, spec: result.data as WarmPoolSpec };
  const issues = result.error.issues.map((issue) => describeIssue(issue, 'pool'));
  const message = `WarmPool ${poolName} is not valid: ${issues.join('; ')}`;
  throw new NodelessError({ code: 'ConfigInvalid', message, identity: { warmPool: poolName } });
}
