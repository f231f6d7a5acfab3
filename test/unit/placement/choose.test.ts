import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areaOf } from '../../../src/core/capacity-scope.ts';
import type { CellClass } from '../../../src/core/cell-class.ts';
import type { Constraints } from '../../../src/core/constraints.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import { type Resources, resourcesOf } from '../../../src/core/resources.ts';
import { seededRandom } from '../../../src/core/seeded-random.ts';
import { pick, survey } from '../../../src/placement/choose.ts';
import { matcherOf } from '../../../src/placement/globs.ts';
import { type Entry, OfferingTable } from '../../../src/placement/offering-table.ts';
import type { Query } from '../../../src/placement/query.ts';
import { catalogue } from '../../support/catalogue.ts';
import { cellClass } from '../../support/cell-class.ts';
import { offeringOf } from '../../support/offering.ts';
import { randomQuery } from '../../support/queries.ts';

const keyOf = (offering: Offering) => areaOf(offering, 'offering');

type Labels = Readonly<Record<string, string>>;
type Requirements = readonly {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}[];

function labelsOf({ arch, instanceType, launchType, zone }: Offering): Labels {
  return {
    'kubernetes.io/arch': arch,
    'node.kubernetes.io/instance-type': instanceType,
    'nodeless.io/launch-type': launchType,
    'topology.kubernetes.io/zone': zone,
  };
}

function isLike(type: string, glob: string): boolean {
  return new RegExp(`^${glob.replace(/[.]/g, '[.]').replace(/[*]/g, '.*').replace(/[?]/g, '.')}$`).test(type);
}

function holds(term: Requirements, labels: Labels): boolean {
  return term.every(({ key, operator, values = [] }) => values.includes(labels[key] ?? '') === (operator === 'In'));
}

function isInClass({ spec }: CellClass, { launchType, instanceType }: Offering): boolean {
  const { allowed = [launchType] } = spec.launchTypes;
  const { include = ['*'], exclude = [] } = spec.instanceTypes;
  const like = (glob: string) => isLike(instanceType, glob);
  return allowed.includes(launchType) && include.some(like) && !exclude.some(like);
}

function isLargeEnough(
  { allocatable, baselineCpuMilli = Number.POSITIVE_INFINITY }: Offering,
  need: Resources,
): boolean {
  return (
    Math.min(allocatable.cpuMilli, baselineCpuMilli) >= need.cpuMilli &&
    allocatable.memoryBytes >= need.memoryBytes &&
    allocatable.ephemeralStorageBytes >= need.ephemeralStorageBytes &&
    (allocatable.extended['nvidia.com/gpu'] ?? 0) >= (need.extended['nvidia.com/gpu'] ?? 0)
  );
}

/**
 * The choice stated again, without table, order or early end: everything is filtered, and all that is left compared. Only
 * what does not depend on the pod is kept from one to the next.
 */
function bruteForceOver(offerings: readonly Offering[], unavailable: ReadonlySet<string>) {
  const labels = new Map(offerings.map((one) => [one, labelsOf(one)]));
  const ofClass = new Map<CellClass, readonly Offering[]>();

  return ({ cellClass, constraints, need, room, arch }: Query): Offering | undefined => {
    const inClass = ofClass.get(cellClass) ?? offerings.filter((one) => isInClass(cellClass, one));
    ofClass.set(cellClass, inClass);
    const saysArch = JSON.stringify(constraints).includes('kubernetes.io/arch');
    const defaultsArch = !saysArch && inClass.some((one) => one.arch === arch);
    const fits = inClass.filter(
      (one) =>
        isLargeEnough(one, need) &&
        (!defaultsArch || one.arch === arch) &&
        constraints.every(
          ({ required }) => required === undefined || required.some((term) => holds(term, labels.get(one) ?? {})),
        ) &&
        one.available &&
        !unavailable.has(keyOf(one)) &&
        room.cells > 0 &&
        one.pricePerHourUsd <= room.pricePerHourUsd,
    );
    const terms = constraints.flatMap(({ preferred = [] }) => preferred);
    const weight = (one: Offering) =>
      terms.reduce((sum, { weight: added, term }) => sum + (holds(term, labels.get(one) ?? {}) ? added : 0), 0);
    const { preferred = [] } = cellClass.spec.launchTypes;
    const rank = ({ launchType }: Offering) => (preferred.includes(launchType) ? preferred.indexOf(launchType) : 99);
    const better = (a: Offering, b: Offering): boolean => {
      if (weight(a) !== weight(b)) return weight(a) > weight(b);
      if (rank(a) !== rank(b)) return rank(a) < rank(b);
      if (a.pricePerHourUsd !== b.pricePerHourUsd) return a.pricePerHourUsd < b.pricePerHourUsd;
      const [memoryA, memoryB] = [a.allocatable.memoryBytes, b.allocatable.memoryBytes];
      if (memoryA !== memoryB) return memoryA < memoryB;
      if (a.instanceType !== b.instanceType) return a.instanceType < b.instanceType;
      return a.launchType === b.launchType ? a.zone < b.zone : a.launchType < b.launchType;
    };
    return fits.reduce<Offering | undefined>(
      (best, one) => (best === undefined || better(one, best) ? one : best),
      undefined,
    );
  };
}

const OFFERINGS = catalogue();
const ANY = { cells: Number.POSITIVE_INFINITY, pricePerHourUsd: Number.POSITIVE_INFINITY };
const AVAILABLE = ({ offering }: Entry) => offering.available;

describe('choosing for 10,000 random pods over a full catalogue', () => {
  test('gives each exactly what looking at everything gives, refusals included', () => {
    expect(new Set(OFFERINGS.map(({ instanceType }) => instanceType)).size).toBeGreaterThanOrEqual(1_300);
    expect(OFFERINGS.length).toBeGreaterThanOrEqual(1_300 * 9);
    const random = seededRandom(7);
    const table = new OfferingTable(OFFERINGS);
    const unavailable = new Set(OFFERINGS.filter(() => random() < 0.05).map(keyOf));
    const canBeHad = ({ offering }: Entry) => offering.available && !unavailable.has(keyOf(offering));
    const bruteForce = bruteForceOver(OFFERINGS, unavailable);
    let refused = 0;
    for (let pod = 0; pod < 10_000; pod += 1) {
      const query = randomQuery(random);
      const { entry } = pick(query, table.ofClass(query.cellClass.spec), canBeHad);
      const expected = bruteForce(query);
      if (entry?.offering !== expected) expect(entry?.offering, JSON.stringify(query)).toEqual(expected);
      if (expected === undefined) refused += 1;
      if (pod % 10 !== 0) continue;
      const shown = survey(query, table.ofClass(query.cellClass.spec), canBeHad).candidates[0];
      expect(shown, 'what plan shows first is what is chosen').toBe(entry);
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(8_000);
  }, 600_000);
});

function query(more: Partial<Query> = {}): Query {
  const need = resourcesOf({ cpu: '1', memory: '1Gi' });
  return { need, cellClass: cellClass(), constraints: [], arch: 'amd64', room: ANY, ...more };
}

function chosen(of: Query, offerings: readonly Offering[]): string | undefined {
  const table = new OfferingTable(offerings);
  return pick(of, table.ofClass(of.cellClass.spec), AVAILABLE).entry?.offering.instanceType;
}

describe('a choice', () => {
  const spot = offeringOf('spot', 0.2, { launchType: 'ec2-spot' });
  const arm = offeringOf('arm', 0.05, { arch: 'arm64' });
  const plain = offeringOf('plain', 0.1);

  test('does not depend on the order of the offerings, nor on the locale', () => {
    const twins = [offeringOf('b', 1), offeringOf('a', 1), offeringOf('B', 1), offeringOf('ä', 1)];
    expect(chosen(query(), twins)).toBe('B');
    expect(chosen(query(), twins.toReversed())).toBe('B');
  });

  test('follows the launch type that the class prefers, whatever the price, and falls back when it has no capacity', () => {
    const prefers = cellClass({ launchTypes: { preferred: ['ec2-spot'] } });
    expect(chosen(query({ cellClass: prefers }), [plain, spot])).toBe('spot');
    expect(chosen(query({ cellClass: prefers }), [plain, { ...spot, available: false }])).toBe('plain');
  });

  test("puts the pod's own preference before its class's", () => {
    const prefers = cellClass({ launchTypes: { preferred: ['ec2-spot'] } });
    const preferred = [
      { weight: 1, term: [{ key: 'nodeless.io/launch-type', operator: 'In', values: ['ec2-on-demand'] }] },
    ];
    const constraints = [{ preferred }] as readonly Constraints[];
    expect(chosen(query({ cellClass: prefers, constraints }), [plain, spot])).toBe('plain');
  });

  test('is of the architecture of the virtual node, unless the pod names one or its class leaves only others', () => {
    const asked: Constraints = { required: [[{ key: 'kubernetes.io/arch', operator: 'Exists' }]] };
    expect(chosen(query(), [arm, plain])).toBe('plain');
    expect(chosen(query({ constraints: [asked] }), [arm, plain])).toBe('arm');
    expect(chosen(query({ cellClass: cellClass({ instanceTypes: { include: ['arm'] } }) }), [arm, plain])).toBe('arm');
  });

  test('counts a burstable machine at its baseline', () => {
    const burstable = offeringOf('burstable', 0.01, { baselineCpuMilli: 400 });
    expect(chosen(query(), [burstable, plain])).toBe('plain');
    expect(chosen(query({ need: resourcesOf({ cpu: '400m' }) }), [burstable, plain])).toBe('burstable');
  });

  test('globs match whole names, and a dot is a dot', () => {
    const types = ['m7g.large', 'm7gXlarge', 'xm7g.large'].map((type) => offeringOf(type, 1));
    const include = (glob: string) => cellClass({ instanceTypes: { include: [glob] } });
    const left = (glob: string) =>
      new OfferingTable(types).ofClass(include(glob).spec).entries.map((entry) => entry.offering.instanceType);
    expect(left('m7g.*')).toEqual(['m7g.large']);
    expect(left('m7g?large')).toEqual(['m7g.large', 'm7gXlarge']);
    expect(left('*')).toHaveLength(3);
    expect(left('*7*e')).toHaveLength(3);
    expect(left('m*.*e')).toEqual(['m7g.large']);
    expect(left('**')).toHaveLength(3);
    expect(left('m7g.larg')).toEqual([]);
    expect(left('m7g.large?')).toEqual([]);
  });

  test('globs of many stars take no longer than others', () => {
    const type = `${'a'.repeat(60)}b`;
    const glob = `${'*a'.repeat(31)}c`;
    const startedMs = performance.now();
    const table = new OfferingTable([offeringOf(type, 1)]);
    expect(table.ofClass(cellClass({ instanceTypes: { include: [glob] } }).spec).entries).toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test('globs match what the same pattern as an expression matches', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    const globs = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(texts, globs, (text, glob) => {
        const expression = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        expect(matcherOf([glob])(text)).toBe(new RegExp(`^${expression}$`).test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is explained by every offering that was left out, each for one reason', () => {
    const of = query({
      cellClass: cellClass({ launchTypes: { allowed: ['ec2-on-demand'] }, instanceTypes: { exclude: ['no-*'] } }),
      constraints: [{ required: [[{ key: 'topology.kubernetes.io/zone', operator: 'NotIn', values: ['far'] }]] }],
      room: { cells: 1, pricePerHourUsd: 5 },
    });
    const table = new OfferingTable([
      plain,
      spot,
      arm,
      offeringOf('no-way', 1),
      offeringOf('distant', 1, { zone: 'far' }),
      offeringOf('tiny', 1, { allocatable: resourcesOf({ cpu: '500m', memory: '4Gi' }) }),
      offeringOf('gone', 1, { available: false }),
      offeringOf('dear', 6),
    ]);
    const { candidates, exclusions, tooSmall } = survey(of, table.ofClass(of.cellClass.spec), AVAILABLE);
    expect(candidates.map((entry) => entry.offering.instanceType)).toEqual(['plain']);
    const reasons = ['LaunchType', 'InstanceType', 'Architecture', 'Constraints', 'TooSmall', 'Unavailable', 'Budget'];
    expect(exclusions).toEqual(Object.fromEntries(reasons.map((reason) => [reason, 1])));
    expect(tooSmall).toHaveLength(1);
  });
});
