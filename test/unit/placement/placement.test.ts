import { Registry } from 'prom-client';
import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { type ErrorCode, isNodelessError, NodelessError } from '../../../src/core/errors.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { Collection } from '../../../src/kube/collection.ts';
import { type NetworkPolicy, NetworkPolicyIndex } from '../../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { AgentSets } from '../../../src/placement/agents.ts';
import { CellClasses } from '../../../src/placement/cell-classes.ts';
import { countCellsElsewhere } from '../../../src/placement/cells-elsewhere.ts';
import { Placement } from '../../../src/placement/placement.ts';
import { showOfferings } from '../../../src/telemetry/offering-metrics.ts';
import { cellClass } from '../../support/cell-class.ts';
import { offeringOf } from '../../support/offering.ts';
import { samplesOf } from '../../support/samples.ts';

const { signal } = new AbortController();

function offering(
  instanceType: string,
  cpu: string,
  memory: string,
  pricePerHourUsd: number,
  more: Partial<Offering> = {},
): Offering {
  const allocatable = resourcesOf({ cpu, memory, 'ephemeral-storage': '20Gi' });
  const size = { allocatable, capacity: allocatable };
  return offeringOf(instanceType, pricePerHourUsd, { launchType: 'simulated', ...size, ...more });
}

const LADDER = [
  offering('large', '4', '8Gi', 0.2),
  offering('small', '1', '2Gi', 0.05),
  offering('medium', '2', '4Gi', 0.1),
];

function pod(requests: Record<string, string>, more: { metadata?: object; spec?: object } = {}): WirePod {
  const containers = [{ name: 'c', resources: { requests } }];
  return { metadata: { name: 'p', namespace: 'ns', ...more.metadata }, spec: { containers, ...more.spec } };
}

const MIB = 2 ** 20;

/** Tells placement that a launch has failed, of no class in particular. */
function exhaust(placement: Placement, offered: Offering, scope?: string): void {
  const identity = scope === undefined ? {} : { scope };
  const error = new NodelessError({ code: 'InsufficientCapacity', message: 'none', identity });
  placement.experience.launchFailed({ offering: offered, cellClass: cellClass() }, error);
}

function ofClass(name: string): { metadata: object } {
  return { metadata: { labels: { 'nodeless.io/cell-class': name } } };
}

/** Placement over real collections, with a clock that only moves when it is told to. */
function rig(
  offered: readonly Offering[] | (() => Promise<readonly Offering[]>) = LADDER,
  onOfferingsFailed: (error: unknown) => void = () => undefined,
  policiesAreKnown = true,
) {
  let nowMs = 0;
  let revision = 1;
  const [classes, namespaces, daemonSets] = [0, 0, 0].map(() => {
    const collection = new Collection<KubeObject>();
    collection.replace([], '1');
    return collection;
  }) as [Collection<KubeObject>, Collection<KubeObject>, Collection<KubeObject>];
  const put = (collection: Collection<KubeObject>, metadata: KubeObject['metadata'], spec?: object) => {
    revision += 1;
    const object = {
      metadata: { ...metadata, resourceVersion: String(revision) },
      ...(spec === undefined ? {} : { spec }),
    };
    collection.apply('ADDED', object);
  };
  const networkPolicies = new Collection<NetworkPolicy>();
  if (policiesAreKnown) networkPolicies.replace([], '1');
  const node = () => ({ metadata: { name: 'n', labels: { zone: 'a' } } });
  const agents = new AgentSets({ daemonSets, node, namespaces: ['kube-system'] });
  const placement = new Placement({
    provider: { offerings: typeof offered === 'function' ? offered : async () => offered },
    onOfferingsFailed,
    classes: new CellClasses({ classes, namespaces }),
    daemonSets,
    injected: () => agents.all(),
    policies: new NetworkPolicyIndex(networkPolicies),
    clock: { now: () => nowMs, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) },
    defaultSize: resourcesOf({ cpu: '250m', memory: '256Mi' }),
    csiDrivers: [],
    arch: 'amd64',
  });
  let cells = 0;
  return {
    placement,
    networkPolicies,
    namespaces,
    classes,
    pass: (ms: number) => {
      nowMs += ms;
    },
    defineClass: (name: string, spec: object, more: object = {}) => put(classes, { name, ...more }, spec),
    label: (namespace: string, labels: Record<string, string>) => put(namespaces, { name: namespace, labels }),
    daemonSet: (name: string, spec: object, annotations: Record<string, string> = {}) =>
      put(daemonSets, { namespace: 'kube-system', name, annotations }, spec),
    choose: (of: WirePod, cellId = `cell-${++cells}`) => placement.choose(of, { cellId }, signal),
    async type(of: WirePod): Promise<string> {
      const { offering: chosen } = await placement.choose(of, { cellId: `cell-${++cells}` }, signal);
      return chosen.instanceType;
    },
  };
}

async function refusedWith(code: ErrorCode, message: RegExp, choice: Promise<unknown>): Promise<void> {
  const error: unknown = await choice.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toSatisfy((thrown) => isNodelessError(thrown, code));
  expect((error as Error).message).toMatch(message);
}

describe('a pod that nothing can take', () => {
  test('is told the nearest offering and what it lacks', async () => {
    const { choose } = rig();
    const told = /no offering fits 2 cpu, 64Gi: the nearest, large with 4 cpu, 8Gi, lacks memory$/;
    await refusedWith('NoOffering', told, choose(pod({ cpu: '2', memory: '64Gi' })));
    await refusedWith('NoOffering', /lacks nvidia.com\/gpu/, choose(pod({ 'nvidia.com/gpu': '1' })));
  });

  test('is told once what alternatives of it say alike of a machine', async () => {
    const { choose } = rig();
    const term = (zone: string) => [
      { key: 'kubernetes.io/arch', operator: 'In', values: [zone === 'c' ? 'riscv64' : 'arm64'] },
    ];
    const annotations = {
      'nodeless.io/constraints': JSON.stringify({ required: [term('a'), term('b'), term('c')] }),
    };
    const told = /is kubernetes.io\/arch In arm64, or kubernetes.io\/arch In riscv64:/;
    await refusedWith('NoOffering', told, choose(pod({}, { metadata: { annotations } })));
  });

  test('is told what it asked for that no offering is', async () => {
    const { choose } = rig();
    const spec = { nodeSelector: { 'kubernetes.io/arch': 'arm64' } };
    const told =
      /no offering fits .* and is kubernetes.io\/arch In arm64: of all offerings 3 not what the pod asks for/;
    await refusedWith('NoOffering', told, choose(pod({}, { spec })));
  });

  test('is told that its class leaves nothing', async () => {
    const { choose, defineClass } = rig();
    defineClass('odd', { instanceTypes: { include: ['x*'], exclude: ['*.metal', 'xy*'] } });
    const told =
      /no offering of CellClass odd fits .*: of all offerings 3 of an instance type that the CellClass leaves out; its spec.instanceTypes take x\* without \*.metal, xy\*/;
    await refusedWith('NoOffering', told, choose(pod({}, ofClass('odd'))));
  });

  test.each([
    ['{"required":[[]]}', 'ConfigInvalid', /nodeless.io\/constraints can not be read/],
    ['{"required":[[{"key":"kubernetes.io/arch","operator":"In","values":["arm64"]}]]}', 'NoOffering', /arch In arm64/],
  ] as const)('by its lifted constraints %s is told so', async (annotation, code, message) => {
    const { choose } = rig();
    await refusedWith(
      code,
      message,
      choose(pod({}, { metadata: { annotations: { 'nodeless.io/constraints': annotation } } })),
    );
  });

  test('is told the same again without another look at the offerings, until these change', async () => {
    let looks = 0;
    const look = () => {
      looks += 1;
      return 'amd64';
    };
    const watched = LADDER.map((one) => Object.defineProperty({ ...one }, 'arch', { enumerable: true, get: look }));
    const { choose, pass, defineClass } = rig(watched);
    const large = pod({ cpu: '2', memory: '64Gi' });
    const told = /the nearest, large with 4 cpu, 8Gi, lacks memory$/;
    await refusedWith('NoOffering', told, choose(large));
    looks = 0;
    await refusedWith('NoOffering', told, choose(large));
    expect(looks).toBe(0);
    const spec = { nodeSelector: { 'nodeless.io/launch-type': 'ec2-spot' } };
    await refusedWith('NoOffering', /launch-type In ec2-spot/, choose(pod({ cpu: '2', memory: '64Gi' }, { spec })));
    expect(looks).toBeGreaterThan(0);
    pass(60_001);
    looks = 0;
    await refusedWith('NoOffering', told, choose(large));
    await vi.waitFor(() => expect(looks).toBeGreaterThan(0));
    looks = 0;
    await refusedWith('NoOffering', told, choose(large));
    expect(looks).toBeGreaterThan(0);
    defineClass('odd', { instanceTypes: { include: ['x*'] } });
    await refusedWith('NoOffering', /of CellClass odd/, choose(pod({ cpu: '2', memory: '64Gi' }, ofClass('odd'))));
  });

  test('names the offering that lacks the fewest things, then the least, then the cheapest', async () => {
    const { choose } = rig([
      offering('both', '1900m', '7900Mi', 0.01),
      offering('little', '4', '6Gi', 0.9),
      offering('less', '4', '7Gi', 0.8),
      offering('less-and-cheaper', '8', '7Gi', 0.7),
    ]);
    await refusedWith('NoOffering', /the nearest, less-and-cheaper with/, choose(pod({ cpu: '2', memory: '8Gi' })));
  });

  test('for an amount that no machine has is told which', async () => {
    await refusedWith('InvalidQuantity', /memory is asked for in more/, rig().choose(pod({ memory: '7Ei' })));
  });
});

describe('capacity', () => {
  test('that an offering lacks is looked for in the next one at once, and again after a pause that grows', async () => {
    const { type, placement, pass } = rig();
    const small = LADDER[1] as Offering;
    exhaust(placement, small);
    expect(await type(pod({}))).toBe('medium');
    pass(5_001);
    expect(await type(pod({}))).toBe('small');
    exhaust(placement, small);
    pass(9_999);
    expect(await type(pod({}))).toBe('medium');
    pass(2);
    expect(await type(pod({}))).toBe('small');
  });

  test('begins anew with the shortest pause after a success, or after a long time without failure', async () => {
    const { type, placement, pass } = rig();
    const small = LADDER[1] as Offering;
    const failAgainAndAgain = () => {
      for (const pauseMs of [5, 10, 20, 40, 80, 160, 180]) {
        exhaust(placement, small);
        pass(pauseMs * 1_000);
      }
    };
    failAgainAndAgain();
    exhaust(placement, small);
    placement.experience.succeeded({ offering: small, cellClass: cellClass() });
    exhaust(placement, small);
    pass(5_001);
    expect(await type(pod({}))).toBe('small');
    failAgainAndAgain();
    pass(400_000);
    exhaust(placement, small);
    pass(5_001);
    expect(await type(pod({}))).toBe('small');
  });

  test('that all pods of a burst find lacking lacks once', async () => {
    const { type, placement, pass } = rig();
    for (let one = 0; one < 10; one += 1) exhaust(placement, LADDER[1] as Offering);
    pass(5_001);
    expect(await type(pod({}))).toBe('small');
  });

  test('is not lacking for others where the machines of one class do not boot', async () => {
    const { choose, placement, pass, defineClass } = rig();
    defineClass('broken', {});
    const typeFor = async (of: WirePod) => (await choose(of)).offering.instanceType;
    const broken = pod({}, ofClass('broken'));
    const choice = await choose(broken);
    placement.experience.failedToBoot(choice);
    expect(await typeFor(broken)).toBe('medium');
    expect(await typeFor(pod({}))).toBe('small');
    pass(5_001);
    expect(await typeFor(broken)).toBe('small');
    placement.experience.failedToBoot(choice);
    pass(5_001);
    placement.experience.succeeded(choice);
    expect(await typeFor(broken), 'a launch that is accepted is no boot').toBe('medium');
    placement.experience.booted(choice);
    expect(await typeFor(broken)).toBe('small');
  });

  test.each([
    ['offering', ['b', 'c', 'd', 'e']],
    ['type-in-region', ['c', 'd', 'e']],
    ['quota', ['c', 'd', 'e']],
    ['launch-type', ['e']],
    ['zone', ['b', 'c', 'e']],
    ['architecture', ['e']],
    ['account', []],
    ['of another provider', ['b', 'c', 'd', 'e']],
  ])('that lacks by %s lacks for whatever has that in common', async (scope, left) => {
    const one = (instanceType: string, more: Partial<Offering>) => offering(instanceType, '1', '2Gi', 0.05, more);
    const names = new Map<Offering, string>([
      [one('m.l', { zone: 'a', quota: 'standard' }), 'a'],
      [one('m.l', { zone: 'b', quota: 'standard' }), 'b'],
      [one('g.l', { zone: 'b', quota: 'g' }), 'c'],
      [one('g.l', { zone: 'a', quota: 'g' }), 'd'],
      [one('t.l', { zone: 'c', launchType: 'local', arch: 'arm64' }), 'e'],
    ]);
    const { placement } = rig([...names.keys()]);
    const chosen = (of: Offering) => ({ offering: of, cellClass: cellClass() });
    exhaust(placement, [...names.keys()][0] as Offering, scope);
    const free = [...names].filter(([of]) => placement.experience.obstacleTo(chosen(of)) === undefined);
    expect(free.map(([, name]) => name)).toEqual(left);
  });

  test('of machines that end before they boot is remembered although more launches of them are accepted', async () => {
    const { choose, placement, pass, defineClass } = rig();
    defineClass('dying', {});
    const dying = pod({}, ofClass('dying'));
    const choice = await choose(dying);
    const lack = new NodelessError({ code: 'InsufficientCapacity', message: 'after all', identity: { scope: 'zone' } });
    placement.experience.succeeded(choice);
    placement.experience.failedToBoot(choice, lack);
    placement.experience.succeeded(choice);
    await refusedWith('InsufficientCapacity', /is unavailable now/, choose(dying));
    expect((await choose(pod({}))).offering.instanceType).toBe('small');
    pass(5_001);
    expect((await choose(dying)).offering.instanceType).toBe('small');
    const refused = new NodelessError({ code: 'InvalidConfig', message: 'the key can not be used' });
    placement.experience.failedToBoot(choice, refused);
    placement.experience.succeeded(choice);
    await expect(choose(dying)).rejects.toBe(refused);
    placement.experience.booted(choice);
    await choose(dying);
  });

  test('that is nowhere is a wait, not a refusal', async () => {
    const { choose } = rig(LADDER.map((one) => ({ ...one, available: false })));
    const choice = choose(pod({}));
    await refusedWith('InsufficientCapacity', /is unavailable now; it is tried again/, choice);
    await expect(choice).rejects.toMatchObject({ retryable: true });
  });
});

describe('a launch that the cloud refuses', () => {
  const refusal = (more: { identity?: Record<string, string>; message?: string } = {}) =>
    new NodelessError({ code: 'InvalidConfig', message: 'no', ...more });

  test('has its class wait with what the cloud said, for a while that grows, and no other', async () => {
    const { choose, placement, pass, defineClass } = rig();
    defineClass('wrong', {});
    const wrong = pod({}, ofClass('wrong'));
    const choice = await choose(wrong);
    const error = refusal({ message: 'no subnets' });
    placement.experience.launchFailed(choice, error);
    await expect(choose(wrong)).rejects.toBe(error);
    expect((await choose(pod({}))).offering.instanceType).toBe('small');
    pass(5_001);
    expect((await choose(wrong)).offering.instanceType).toBe('small');
    placement.experience.launchFailed(choice, error);
    pass(9_999);
    await expect(choose(wrong)).rejects.toBe(error);
  });

  test('is no news of its class once that is changed, or a launch of it went well', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('wrong', {});
    const wrong = pod({}, ofClass('wrong'));
    const choice = await choose(wrong);
    placement.experience.launchFailed(choice, refusal());
    placement.experience.succeeded(choice);
    await choose(wrong);
    placement.experience.launchFailed(choice, refusal());
    defineClass('wrong', { tags: { mended: 'yes' } });
    await choose(wrong);
  });

  test('for what only some offerings have in common goes on to the others, five times', async () => {
    const types = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => offering(name, '1', '2Gi', 0.05));
    const { choose, placement, pass } = rig(types);
    const tried: string[] = [];
    const tryAll = async () => {
      for (let round = 0; round < types.length; round += 1) {
        const choice = await choose(pod({}));
        tried.push(choice.offering.instanceType);
        placement.experience.launchFailed(choice, refusal({ identity: { scope: 'type-in-region' } }));
      }
    };
    await expect(tryAll()).rejects.toMatchObject({ code: 'InvalidConfig' });
    expect(tried).toEqual(['a', 'b', 'c', 'd', 'e']);
    pass(5_001);
    expect((await choose(pod({}))).offering.instanceType).toBe('f');
  });

  test('is not counted again for those that were not asked for because of it', async () => {
    const { choose, placement, pass } = rig();
    const choice = await choose(pod({}));
    placement.experience.launchFailed(choice, refusal());
    pass(2_500);
    const obstacle = placement.experience.obstacleTo(choice);
    expect(obstacle).toMatchObject({ code: 'InsufficientCapacity', retryable: true });
    placement.experience.launchFailed(choice, obstacle);
    pass(2_501);
    expect(placement.experience.obstacleTo(choice)).toBeUndefined();
  });
});

describe('the root volume of a class', () => {
  const GIB = 2 ** 30;
  const rootVolume = { sizeBytes: 20 * GIB, gibHourUsd: 0.001, systemBytes: 2 * GIB, evictionShare: 0.1 };

  test('is what its offerings have room for, and cost', async () => {
    const { choose, defineClass } = rig([offering('small', '1', '2Gi', 0.05, { rootVolume })]);
    defineClass('large-disk', { rootVolume: { size: '120Gi' } });
    const hungry = { 'ephemeral-storage': '100Gi' };
    await refusedWith('NoOffering', /ephemeral/, choose(pod(hungry)));
    const { offering: chosen } = await choose(pod(hungry, ofClass('large-disk')));
    expect(chosen.pricePerHourUsd).toBeCloseTo(0.15, 8);
    expect(chosen.allocatable.ephemeralStorageBytes).toBe(106 * GIB);
  });
});

describe('what machines turn out to have', () => {
  const need = pod({ cpu: '1', memory: '2Gi' });
  const less = resourcesOf({ cpu: '1', memory: '1900Mi' });

  test('counts for the next pod of that type, for hours', async () => {
    const { choose, type, placement, pass } = rig();
    const choice = await choose(need);
    expect(choice.offering.instanceType).toBe('small');
    expect(placement.experience.measured(choice, less)).toBe(true);
    expect(placement.experience.measured(choice, less), 'news only once').toBe(false);
    expect(await type(need)).toBe('medium');
    expect(await type(pod({ cpu: '1', memory: '1900Mi' }))).toBe('small');
    pass(5 * 3_600_000);
    await type(need);
    expect(await type(need)).toBe('medium');
    pass(2 * 3_600_000);
    await type(need);
    expect(await type(need)).toBe('small');
  });

  test('is no other class’s concern, and not that of the class as it is changed', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('reserving', { kubelet: { systemReserved: { memory: '200Mi' } } });
    const reserving = pod({ cpu: '1', memory: '2Gi' }, ofClass('reserving'));
    const typeFor = async (of: WirePod) => (await choose(of)).offering.instanceType;
    placement.experience.measured(await choose(reserving), less);
    expect(await typeFor(reserving)).toBe('medium');
    expect(await typeFor(need)).toBe('small');
    defineClass('reserving', {});
    expect(await typeFor(reserving)).toBe('small');
  });

  test.each([
    { cpu: '10m', memory: '2Gi' },
    { cpu: '1', memory: '1Mi' },
  ])('is not believed when hardly anything is left of what was offered (%j)', async (reported) => {
    const { choose, type, placement } = rig();
    expect(placement.experience.measured(await choose(need), resourcesOf(reported))).toBe(false);
    expect(await type(need)).toBe('small');
  });

  test('is not shrunk step by step by machines that each report a little less', async () => {
    const { choose, placement } = rig([LADDER[1] as Offering]);
    const tiny = pod({ cpu: '1m', memory: '1Mi' });
    expect(placement.experience.measured(await choose(tiny), resourcesOf({ cpu: '1', memory: '1600Mi' }))).toBe(true);
    expect(placement.experience.measured(await choose(tiny), resourcesOf({ cpu: '1', memory: '1300Mi' }))).toBe(false);
  });
});

describe('offerings', () => {
  const failing = new Error('the cloud is away');

  test('that can not be read again count on, are told of once, and are read again soon', async () => {
    const failures: unknown[] = [];
    const read = vi.fn(async (): Promise<readonly Offering[]> => LADDER);
    const { type, pass } = rig(read, (error) => failures.push(error));
    expect(await type(pod({}))).toBe('small');
    read.mockRejectedValue(failing);
    for (const ms of [60_001, 5_001, 3_600_000]) {
      pass(ms);
      expect(await type(pod({}))).toBe('small');
    }
    expect(failures).toEqual([failing]);
    const readings = read.mock.calls.length;
    expect(await type(pod({}))).toBe('small');
    expect(read, 'not for every pod').toHaveBeenCalledTimes(readings);
    read.mockResolvedValue([LADDER[0] as Offering]);
    pass(5_001);
    expect(await type(pod({})), 'a newer table is worth a wait when the last is old').toBe('large');
  });

  test('are read again behind the pods that ask, once for all of them', async () => {
    const answer = Promise.withResolvers<readonly Offering[]>();
    const read = vi.fn(async (): Promise<readonly Offering[]> => LADDER);
    const { type, pass } = rig(read);
    await type(pod({}));
    read.mockReturnValue(answer.promise);
    pass(60_001);
    expect(await Promise.all([type(pod({})), type(pod({}))])).toEqual(['small', 'small']);
    expect(read).toHaveBeenCalledTimes(2);
    pass(600_000);
    expect(await type(pod({})), 'an answer that does not come is not waited for long').toBe('small');
    answer.resolve([LADDER[0] as Offering]);
    await vi.waitFor(async () => expect(await type(pod({}))).toBe('large'));
  });

  test('that never could be read are a failure', async () => {
    const read = vi.fn(async (): Promise<readonly Offering[]> => Promise.reject(failing));
    const { choose } = rig(read);
    await expect(choose(pod({}))).rejects.toBe(failing);
    read.mockResolvedValue(LADDER);
    await expect(choose(pod({}))).resolves.toMatchObject({});
  });
});

describe('the class of a pod', () => {
  test('may be changed by those that it picks or its namespace picks, and by any where nobody picks', () => {
    const [classes, namespaces] = [new Collection<KubeObject>(), new Collection<KubeObject>()];
    namespaces.apply('ADDED', { metadata: { name: 'team', labels: { 'nodeless.io/cell-class': 'theirs' } } });
    const known = new CellClasses({ classes, namespaces });
    const mayHave = (namespace: string, labels: object, name: string) =>
      known.mayHave({ metadata: { name: 'p', namespace, labels: { ...labels } } }, name);
    expect(mayHave('ns', {}, 'any')).toBe(true);
    expect(mayHave('team', {}, 'any')).toBe(false);
    expect(mayHave('team', {}, 'theirs')).toBe(true);
    expect(mayHave('team', { 'nodeless.io/cell-class': 'own' }, 'theirs')).toBe(false);
    expect(mayHave('team', { 'nodeless.io/cell-class': 'own' }, 'own')).toBe(true);
  });

  test('is its own, else its namespace’s, else the oldest default, else none', async () => {
    const { choose, defineClass, label } = rig();
    const nameOf = async (of: WirePod) => (await choose(of)).cellClass.name;
    expect(await nameOf(pod({}))).toBe('(built-in)');
    defineClass('newer', { default: true }, { creationTimestamp: '2026-02-01T00:00:00Z' });
    defineClass('older', { default: true }, { creationTimestamp: '2026-01-01T00:00:00Z' });
    expect(await nameOf(pod({}))).toBe('older');
    defineClass('team', {});
    label('ns', { 'nodeless.io/cell-class': 'team' });
    expect(await nameOf(pod({}))).toBe('team');
    expect(await nameOf(pod({}, ofClass('newer')))).toBe('newer');
  });

  test('that does not exist, or is not valid, is told by name with who picked it', async () => {
    const { choose, defineClass, label } = rig();
    await refusedWith(
      'NoCellClass',
      /the pod picks CellClass gone .* does not exist; create it/,
      choose(pod({}, ofClass('gone'))),
    );
    label('ns', { 'nodeless.io/cell-class': 'lost' });
    await refusedWith('NoCellClass', /namespace ns picks CellClass lost/, choose(pod({})));
    defineClass('wrong', { budgets: { maxCells: 'many' } });
    await refusedWith(
      'NoCellClass',
      /CellClass wrong is not valid: spec.budgets.maxCells/,
      choose(pod({}, ofClass('wrong'))),
    );
  });

  test('is refused to pods of namespaces that it is not for, whoever picks it', async () => {
    const { choose, defineClass, label, placement } = rig();
    defineClass('strong', { namespaces: ['trusted', 'ns2'] });
    const told = /the pod picks CellClass strong .*, which is not for namespace ns; change the label, or its/;
    await refusedWith('NoCellClass', told, choose(pod({}, ofClass('strong'))));
    await expect(placement.explain(pod({}, ofClass('strong')), signal)).rejects.toThrow(told);
    label('ns', { 'nodeless.io/cell-class': 'strong' });
    await refusedWith('NoCellClass', /namespace ns picks CellClass strong .* not for namespace ns/, choose(pod({})));
    const labels = { 'nodeless.io/cell-class': 'strong' };
    const trusted = pod({}, { metadata: { namespace: 'trusted', labels } });
    expect((await choose(trusted)).cellClass.name).toBe('strong');
  });

  test('is not guessed while classes can not be read', async () => {
    const classes = new Collection<KubeObject>();
    const namespaces = new Collection<KubeObject>();
    const known = new CellClasses({ classes, namespaces });
    const gone = { 'nodeless.io/cell-class': 'gone' };
    expect(() => known.of(pod({}))).toThrow(/can not be read; are the CRDs and the RBAC of this version installed/);
    expect(known.problemOf('ns', gone), 'is no fault of the pod').toBeUndefined();
    classes.replace([], '1');
    namespaces.replace([], '1');
    expect(known.of(pod({})).name).toBe('(built-in)');
    expect(known.problemOf('ns', gone)).toContain('the pod picks CellClass gone');
    expect(known.problemOf('ns', {})).toBeUndefined();
  });

  test('says what a pod gets that asks for nothing, and which agents it makes room for', async () => {
    const { choose, defineClass, daemonSet } = rig();
    const agents = [
      { namespace: 'kube-system', daemonSet: 'agent' },
      { namespace: 'kube-system', daemonSet: 'absent' },
    ];
    defineClass('sized', { defaultSize: { cpu: '1500m', memory: '1Gi' }, agents });
    daemonSet('agent', { template: { spec: pod({ cpu: '100m', memory: '64Mi' }).spec } });
    const { need, offering: chosen } = await choose(pod({}, ofClass('sized')));
    expect(need).toMatchObject({ cpuMilli: 1_600, memoryBytes: (1024 + 64) * 2 ** 20 });
    expect(chosen.instanceType).toBe('medium');
  });

  test.each([
    ['that the class names too', {}, { cpuMilli: 1_800, memoryBytes: 576 * MIB }],
    ['for other nodes', { nodeSelector: { zone: 'b' } }, { cpuMilli: 1_600, memoryBytes: 320 * MIB }],
  ])('makes room once for an agent of every cell, %s', async (_, selector, need) => {
    const { choose, defineClass, daemonSet, placement } = rig();
    const agents = ['agent', 'other'].map((name) => ({ namespace: 'kube-system', daemonSet: name }));
    defineClass('sized', { agents });
    const template = (request: Record<string, string>, more = {}) => ({ spec: { ...pod(request).spec, ...more } });
    daemonSet('other', { template: template({ cpu: '100m', memory: '64Mi' }) });
    const inject = { 'nodeless.io/daemonset-policy': 'inject' };
    daemonSet('agent', { template: template({ cpu: '500m', memory: '256Mi' }, selector) }, inject);
    daemonSet('else', { template: template({ cpu: '200m', memory: '256Mi' }, selector) }, inject);
    const asks = pod({ cpu: '1', memory: '0' }, ofClass('sized'));
    expect((await choose(asks)).need).toMatchObject({ ...need, memoryBytes: need.memoryBytes + 256 * MIB });
    const have = resourcesOf({ cpu: '2', memory: '4Gi' });
    const left = (await placement.sitting.shares(signal))({ className: 'sized' }, have);
    expect(left.cpuMilli).toBe(3_000 - need.cpuMilli);
  });
});

describe('a pod that a NetworkPolicy selects', () => {
  const guard: NetworkPolicy = {
    metadata: { name: 'guard', namespace: 'ns' },
    spec: { podSelector: { matchLabels: { guarded: 'yes' } } },
  };
  const guarded = (labels: object = {}) => pod({}, { metadata: { labels: { guarded: 'yes', ...labels } } });
  const told = /NetworkPolicy guard selects the pod, and CellClass .* names no networkPolicyEnforcer/;

  test('has a cell only by a class that names what enforces it, and as long as there is the policy', async () => {
    const { choose, defineClass, networkPolicies, placement } = rig();
    await expect(choose(guarded())).resolves.toMatchObject({});
    networkPolicies.apply('ADDED', guard);
    await refusedWith('NotEnforced', told, choose(guarded()));
    await refusedWith('NotEnforced', told, placement.explain(guarded(), signal));
    await expect(choose(pod({}))).resolves.toMatchObject({});
    defineClass('enforcing', { networkPolicyEnforcer: 'cilium' });
    await expect(choose(guarded({ 'nodeless.io/cell-class': 'enforcing' }))).resolves.toMatchObject({});
    networkPolicies.apply('DELETED', guard);
    await expect(choose(guarded())).resolves.toMatchObject({});
  });

  test('joins no cell without that either: neither another pod’s, nor the node cell, whatever its own class', async () => {
    const { placement, defineClass, networkPolicies } = rig();
    networkPolicies.apply('ADDED', guard);
    defineClass('enforcing', { networkPolicyEnforcer: 'cilium' });
    const enforced = guarded({ 'nodeless.io/cell-class': 'enforcing' });
    await refusedWith('NotEnforced', told, placement.sitting.admission(guarded(), signal));
    await expect(placement.sitting.admission(enforced, signal)).resolves.toBeTypeOf('function');
    expect(placement.sitting.maySit(guarded(), pod({}))).toBe(false);
    await refusedWith('NotEnforced', told, placement.sitting.nodeCellAdmission(enforced, signal));
    defineClass('all', { default: true, networkPolicyEnforcer: 'cilium' });
    await expect(placement.sitting.nodeCellAdmission(guarded(), signal)).resolves.toBeTypeOf('function');
  });

  test('is not guessed while policies can not be read', async () => {
    const { choose, networkPolicies } = rig(LADDER, undefined, false);
    await refusedWith('NotEnforced', /the NetworkPolicies can not be read/, choose(pod({})));
    networkPolicies.replace([guard], '1');
    await expect(choose(pod({}))).resolves.toMatchObject({});
  });
});

describe('a budget', () => {
  test('of cells is spent by choices, also before their cells are launched, and given back by their ends', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('two', { budgets: { maxCells: 2 } });
    const member = pod({}, ofClass('two'));
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((cellId) => choose(member, cellId)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    await refusedWith(
      'BudgetExceeded',
      /two has spent its budget of 2 cells; it gets a cell when one of the class’s ends; or raise spec.budgets/,
      choose(member, 'e'),
    );
    expect((await choose(pod({}), 'other')).cellClass.name).toBe('(built-in)');
    placement.spending.release('a');
    placement.spending.release('a');
    await expect(choose(member, 'e')).resolves.toMatchObject({});
    await refusedWith('BudgetExceeded', /2 cells/, choose(member, 'f'));
  });

  test('of dollars is spent to the last cell that it pays for, and cells found at start count', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('thrifty', { budgets: { maxPricePerHourUsd: 0.15 } });
    const member = pod({}, ofClass('thrifty'));
    placement.spending.hold('found', 'thrifty', 0.05);
    await choose(member, 'a');
    await choose(member, 'b');
    const told = /has spent its budget of \$0.15\/h, of which no offering that fits the pod is left/;
    await refusedWith('BudgetExceeded', told, choose(member, 'c'));
    placement.spending.release('found');
    await expect(choose(member, 'c')).resolves.toMatchObject({});
  });

  test('is not spent twice by a cell that is chosen again under its id, as after a restart', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('one', { budgets: { maxCells: 1 } });
    placement.spending.hold('found', 'one', 0.05);
    await expect(choose(pod({}, ofClass('one')), 'found')).resolves.toMatchObject({});
    await refusedWith('BudgetExceeded', /1 cells/, choose(pod({}, ofClass('one')), 'other'));
  });

  test('of all zones gives nobody a cell before the cells of other zones have been listed, and then what they leave', async () => {
    const { choose, placement, defineClass } = rig();
    defineClass('two', { budgets: { maxCells: 2 } });
    const member = pod({}, ofClass('two'));
    const cells = new Collection<KubeObject>();
    countCellsElsewhere(placement.spending, cells, 'a');
    const told = /what other zones have of the budget of CellClass two is not known yet/;
    await refusedWith('BudgetExceeded', told, choose(member));
    await expect(choose(member)).rejects.toMatchObject({ retryable: true });
    expect((await choose(pod({}))).cellClass.name).toBe('(built-in)');
    const labels = { 'topology.kubernetes.io/zone': 'b' };
    const status = { cellClass: 'two', pricePerHourUsd: '0.05' };
    cells.replace([{ metadata: { name: 'there', labels, resourceVersion: '1' }, status }], '1');
    await expect(choose(member)).resolves.toMatchObject({});
    await refusedWith('BudgetExceeded', /2 cells/, choose(member));
  });

  test('is not spent by asking what would be chosen', async () => {
    const { placement, choose, defineClass } = rig();
    defineClass('one', { budgets: { maxCells: 1 } });
    const member = pod({}, ofClass('one'));
    for (let time = 0; time < 3; time += 1) {
      expect((await placement.explain(member, signal)).chosen?.instanceType).toBe('small');
    }
    await choose(member);
    expect(await placement.explain(member, signal)).toMatchObject({ refused: 'BudgetExceeded', candidateCount: 0 });
  });
});

describe('an explanation', () => {
  test('names the choice, its rivals and what was left out, the same as the event', async () => {
    const { placement, choose } = rig();
    exhaust(placement, LADDER[1] as Offering);
    const member = pod({ cpu: '500m' });
    const explanation = await placement.explain(member, signal);
    const { why } = await choose(member);
    expect(why).toBe(
      'medium (2 cpu, 4Gi, $0.1000/h) is the cheapest offering that fits 500m cpu, 256Mi; passed over: 1 without capacity now',
    );
    expect(explanation).toMatchObject({ why, candidateCount: 2, cellClass: '(built-in)' });
    expect(explanation.candidates.map(({ instanceType }) => instanceType)).toEqual(['medium', 'large']);
    expect(explanation.exclusions).toEqual([{ reason: 'Unavailable', meaning: 'without capacity now', count: 1 }]);
  });
});

test('what is offered, what of it can be had, and how long ago that was read, is shown once it was read', async () => {
  const { placement, pass, choose } = rig();
  const registry = new Registry();
  let nowMs = 0;
  showOfferings({
    offered: () => placement.offered(),
    registry,
    clock: { now: () => nowMs, sleep: systemClock.sleep },
  });
  const offerings = () => samplesOf(registry, 'nodeless_offerings');
  const ageSeconds = () => samplesOf(registry, 'nodeless_offerings_age_seconds');
  expect([await offerings(), await ageSeconds()]).toEqual([{}, { '': 0 }]);
  const { offering: cheapest } = await choose(pod({ cpu: '1' }));
  exhaust(placement, cheapest);
  nowMs = 3_000;
  const { launchType, zone } = cheapest;
  const labels = (state: string) => `launch_type=${launchType},state=${state},zone=${zone}`;
  expect(await offerings()).toEqual({ [labels('available')]: 2, [labels('lacking')]: 1 });
  expect(await ageSeconds()).toEqual({ '': 3 });
  pass(3_600_000);
  expect(await offerings()).toEqual({ [labels('available')]: 3 });
});
