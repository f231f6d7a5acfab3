import type { LaunchType, Offering } from '../../src/core/offerings.ts';
import type { Resources } from '../../src/core/resources.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

interface Shape {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryGiB: number;
  readonly arch: string;
  readonly gpus: number;
  /** Share of each vCPU that is given without end. */
  readonly baseline: number;
  readonly pricePerHourUsd: number;
}

const SIZES: readonly (readonly [name: string, vcpus: number])[] = [
  ['medium', 1],
  ['large', 2],
  ['xlarge', 4],
  ['2xlarge', 8],
  ['4xlarge', 16],
  ['8xlarge', 32],
  ['12xlarge', 48],
  ['16xlarge', 64],
  ['24xlarge', 96],
  ['48xlarge', 192],
];
const GIB_PER_VCPU = { c: 2, m: 4, r: 8, x: 16 };
const MAKERS = ['', 'a', 'g', 'i'];
const OPTIONS = ['', 'd', 'n', 'dn'];
const GENERATIONS = [5, 6, 7, 8];

function plainShapes(random: () => number): readonly Shape[] {
  return Object.entries(GIB_PER_VCPU).flatMap(([family, ratio]) =>
    GENERATIONS.flatMap((generation) =>
      MAKERS.flatMap((maker) =>
        OPTIONS.flatMap((option) =>
          SIZES.map(([size, vcpus]) => ({
            name: `${family}${generation}${maker}${option}.${size}`,
            vcpus,
            memoryGiB: vcpus * ratio,
            arch: maker === 'g' ? 'arm64' : 'amd64',
            gpus: 0,
            baseline: 1,
            pricePerHourUsd: vcpus * (0.03 + 0.004 * ratio) * (0.8 + 0.4 * random()),
          })),
        ),
      ),
    ),
  );
}

function specialShapes(random: () => number): readonly Shape[] {
  const burstable = ['t3', 't3a', 't4g'].flatMap((family) =>
    ['micro', 'small', 'medium', 'large', 'xlarge', '2xlarge'].map((size, index) => ({
      name: `${family}.${size}`,
      vcpus: index < 4 ? 2 : 2 ** (index - 2),
      memoryGiB: 2 ** index,
      arch: family === 't4g' ? 'arm64' : 'amd64',
      gpus: 0,
      baseline: [0.1, 0.2, 0.2, 0.3, 0.4, 0.4][index] ?? 1,
      pricePerHourUsd: 0.0104 * 2 ** index * (0.9 + 0.2 * random()),
    })),
  );
  const accelerated = ['g5', 'g6', 'p4d', 'p5'].flatMap((family) =>
    SIZES.slice(2).map(([size, vcpus], index) => ({
      name: `${family}.${size}`,
      vcpus,
      memoryGiB: vcpus * 4,
      arch: 'amd64',
      gpus: 2 ** Math.min(3, index >> 1),
      baseline: 1,
      pricePerHourUsd: vcpus * 0.2 * (0.9 + 0.2 * random()),
    })),
  );
  return [...burstable, ...accelerated];
}

const SHARE_OF_PRICE: Readonly<Record<string, number>> = { 'ec2-on-demand': 1, 'ec2-spot': 0.35, fargate: 1.2 };

/** What a kubelet and its system leave of a machine, by the figures of public clouds. */
function allocatableOf({ vcpus, memoryGiB, gpus }: Shape): Resources {
  return {
    cpuMilli: vcpus * 1_000 - 70,
    memoryBytes: Math.floor(memoryGiB * GiB * 0.925) - 255 * MiB,
    ephemeralStorageBytes: 18 * GiB,
    extended: gpus === 0 ? {} : { 'nvidia.com/gpu': gpus },
  };
}

function offeringOf(shape: Shape, launchType: LaunchType, zone: string, random: () => number): Offering {
  const allocatable = allocatableOf(shape);
  const { name, vcpus, memoryGiB, arch, baseline } = shape;
  const price = shape.pricePerHourUsd * (SHARE_OF_PRICE[launchType] ?? 1);
  return {
    instanceType: name,
    launchType,
    zone,
    arch,
    allocatable,
    capacity: { ...allocatable, cpuMilli: vcpus * 1_000, memoryBytes: memoryGiB * GiB },
    ...(baseline < 1 ? { baselineCpuMilli: vcpus * 1_000 * baseline } : {}),
    // Spot has a price of its own in each zone.
    pricePerHourUsd: Number((launchType === 'ec2-spot' ? price * (0.7 + 0.6 * random()) : price).toFixed(6)),
    available: random() > 0.02,
  };
}

export const CATALOGUE_ZONES = ['zone-a', 'zone-b', 'zone-c'];
export const CATALOGUE_LAUNCH_TYPES = ['ec2-on-demand', 'ec2-spot', 'fargate'] as const;

/** As many instance types as a large cloud has, with three zones and three launch types each; the same for the same seed. */
export function catalogue(seed = 1, instanceTypes = 1_350): readonly Offering[] {
  const random = seededRandom(seed);
  const special = specialShapes(random);
  const plain = [...plainShapes(random)].map((shape) => ({ shape, at: random() })).sort((a, b) => a.at - b.at);
  const shapes = [...special, ...plain.slice(0, instanceTypes - special.length).map(({ shape }) => shape)];
  return shapes.flatMap((shape) =>
    CATALOGUE_ZONES.flatMap((zone) =>
      CATALOGUE_LAUNCH_TYPES.map((launchType) => offeringOf(shape, launchType, zone, random)),
    ),
  );
}
