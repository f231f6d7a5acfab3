import type { Constraints, Requirement } from '../../src/core/constraints.ts';
import { resourcesOf } from '../../src/core/resources.ts';
import type { Query } from '../../src/placement/query.ts';
import { CATALOGUE_LAUNCH_TYPES, CATALOGUE_ZONES } from './catalogue.ts';
import { cellClass } from './cell-class.ts';

type Random = () => number;

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

function someOf<T>(random: Random, values: readonly T[]): readonly T[] {
  const some = values.filter(() => random() < 0.5);
  return some.length === 0 ? [oneOf(random, values)] : some;
}

const ARCHITECTURES = ['amd64', 'arm64', 'riscv64'];
const INSTANCE_TYPES = ['m5.large', 'c7g.xlarge', 't3.medium', 'r8a.2xlarge', 'g5.xlarge'];

function requirementOf(random: Random): Requirement {
  const operator = oneOf(random, ['In', 'In', 'NotIn'] as const);
  const [key, values] = oneOf(random, [
    ['kubernetes.io/arch', someOf(random, ARCHITECTURES)],
    ['topology.kubernetes.io/zone', someOf(random, CATALOGUE_ZONES)],
    ['nodeless.io/launch-type', someOf(random, CATALOGUE_LAUNCH_TYPES)],
    ['node.kubernetes.io/instance-type', someOf(random, INSTANCE_TYPES)],
  ] as const);
  return { key, operator, values: [...values] };
}

function constraintsOf(random: Random): Constraints {
  const term = () => Array.from({ length: 1 + Math.floor(random() * 2) }, () => requirementOf(random));
  return {
    ...(random() < 0.4 ? { required: Array.from({ length: 1 + Math.floor(random() * 2) }, term) } : {}),
    ...(random() < 0.15 ? { preferred: [{ weight: 1 + Math.floor(random() * 100), term: term() }] } : {}),
  };
}

const CLASSES = [
  cellClass({}, 'anything'),
  cellClass({ launchTypes: { preferred: ['ec2-spot', 'ec2-on-demand'] } }, 'spot-first'),
  cellClass({ launchTypes: { allowed: ['fargate'] } }, 'fargate'),
  cellClass({ instanceTypes: { include: ['m*', 'c?g*'], exclude: ['*.metal', '*.48xlarge'] } }, 'general'),
  cellClass({ instanceTypes: { include: ['*g.*'] } }, 'arm'),
];

const UNLIMITED = { cells: Number.POSITIVE_INFINITY, pricePerHourUsd: Number.POSITIVE_INFINITY };

/** What a pod might ask for: mostly little, now and then what hardly any machine has. */
export function randomQuery(random: Random): Query {
  const cpuMilli = Math.ceil(50 * 2 ** (random() * 12));
  const memoryMiB = Math.ceil(64 * 2 ** (random() * 14));
  const gpu = random() < 0.05 ? { 'nvidia.com/gpu': String(1 + Math.floor(random() * 8)) } : {};
  return {
    need: resourcesOf({ cpu: `${cpuMilli}m`, memory: `${memoryMiB}Mi`, ...gpu }),
    cellClass: oneOf(random, CLASSES),
    constraints: [constraintsOf(random), random() < 0.1 ? constraintsOf(random) : {}],
    arch: 'amd64',
    room: random() < 0.1 ? { cells: 3, pricePerHourUsd: random() * 0.5 } : UNLIMITED,
  };
}
