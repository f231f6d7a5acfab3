import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CellProvider } from '../../../../providers/contract.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { type AwsBed, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { allowedActions } from '../../../support/aws/iam-policy.ts';
import { QUEUE_URL } from '../../../support/aws/interruption-queue.ts';
import { cellClass } from '../../../support/cell-class.ts';
import { eventually } from '../../../support/wait.ts';
import { evidenceOf, launchOf, machinesIn, offering, providerOver } from './cells.ts';

/** What EC2 asks of who calls CreateFleet, though neither is a call of ours: machines of it, and the role of cells. */
const IMPLIED = ['ec2:RunInstances', 'iam:PassRole'];

// Wide: what is waited for here is EC2 on a bad day, and the emulator on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const HOUR_MS = 3_600_000;
const soon = () => AbortSignal.timeout(150_000);
/** Beside them a provider tells of machines that somebody else has ended. */
const live = async (by: CellProvider) => (await by.list(soon())).filter(({ state }) => state !== 'ended');
const cellsOf = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

let bed: AwsBed;
let provider: CellProvider;

async function started(given: object = {}): Promise<CellProvider> {
  const made = providerOver(bed, given);
  await made.start(soon());
  return made;
}

const launchAll = (cellIds: readonly string[], more: Parameters<typeof launchOf>[1] = {}, by = provider) =>
  Promise.allSettled(cellIds.map((cellId) => by.launch(launchOf(cellId, more), soon())));

const calls = (action: string) => bed.requests.filter((request) => request.action === action);

async function countOf(state: PromiseSettledResult<unknown>['status'], outcomes: ReturnType<typeof launchAll>) {
  return (await outcomes).filter(({ status }) => status === state).length;
}

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
  provider = await started();
}, 120_000);

afterEach(async () => {
  bed.set({});
  const left = await provider.list(soon());
  await Promise.all(left.map(({ tags }) => provider.terminate(tags.cellId, soon())));
  expect(await machinesIn(bed)).toEqual([]);
  bed.forget();
});

afterAll(async () => {
  await provider.stop();
  await bed.close();
});

describe('launches in EC2', () => {
  test('of one kind at one time are one request, and each cell has a machine of its own', async () => {
    const outcomes = launchAll(cellsOf('burst', 20));
    expect(await countOf('fulfilled', outcomes)).toBe(20);
    expect(calls('ec2:CreateFleet')).toHaveLength(1);
    expect(calls('ec2:CreateFleet')[0]?.params.get('TargetCapacitySpecification.TotalTargetCapacity')).toBe('20');
    const cells = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell']).sort();
    await expect.poll(cells, { timeout: 30_000 }).toEqual(cellsOf('burst', 20).sort());
  });

  test("do not wait for tags; whoever registers does, so that its machine is nobody else's from then on", async () => {
    bed.set({ actions: { 'ec2:CreateTags': { delayMs: 3_000 } } });
    await launchAll(['early', 'other']);
    const tagged = async () =>
      (await machinesIn(bed)).filter(({ tags }) => tags['nodeless.io/cell'] === 'early').length;
    expect(await tagged()).toBe(0);
    expect((await provider.list(soon())).map(({ tags }) => tags.cellId).sort()).toEqual(['early', 'other']);
    const registered = (await machinesIn(bed)).map(async ({ id }) =>
      provider.attest(await evidenceOf(bed, id), soon()),
    );
    const outcomes = (await Promise.all(registered)).map((outcome) => JSON.stringify(outcome)).sort();
    expect(outcomes).toEqual(['early', 'other'].map((cellId) => JSON.stringify({ outcome: 'accepted', cellId })));
    expect(await tagged()).toBe(1);
  });

  test('whose machines can not be tagged have these ended, and their cells told of as ended with the reason', async () => {
    bed.set({ actions: { 'ec2:CreateTags': { refuse: { status: 403, code: 'UnauthorizedOperation' } } } });
    await launchAll(['nameless-1', 'nameless-2']);
    await eventually('both have ended', async () => (await machinesIn(bed)).length === 0);
    const told = async () =>
      (await provider.list(soon())).map(({ tags, state, reason }) => [tags.cellId, state, reason]).sort();
    const reason = expect.stringContaining('ec2:CreateTags');
    await expect.poll(told).toEqual([
      ['nameless-1', 'ended', reason],
      ['nameless-2', 'ended', reason],
    ]);
    await Promise.all(['nameless-1', 'nameless-2'].map((cellId) => provider.terminate(cellId, soon())));
    expect(await told()).toEqual([]);
  });

  test('whose machines can not be tagged since EC2 does not know them yet keep these', async () => {
    const refuse = { status: 400, code: 'InvalidInstanceID.NotFound' };
    bed.set({ actions: { 'ec2:CreateTags': { refuse, times: 2 } } });
    await launchAll(['unknown-1', 'unknown-2']);
    const cells = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell']).sort();
    await expect.poll(cells, { timeout: 30_000 }).toEqual(['unknown-1', 'unknown-2']);
    expect(calls('ec2:TerminateInstances')).toEqual([]);
  });

  test('of different kinds are requests of their own', async () => {
    const spot = { offering: offering({ launchType: 'ec2-spot' }) };
    await Promise.all([launchAll(['a', 'b']), launchAll(['c'], spot)]);
    const sent = calls('ec2:CreateFleet').map(({ params }) => [
      params.get('TargetCapacitySpecification.DefaultTargetCapacityType'),
      params.get('SpotOptions.AllocationStrategy') ?? params.get('OnDemandOptions.AllocationStrategy'),
    ]);
    expect(sent.sort()).toEqual([
      ['on-demand', 'lowest-price'],
      ['spot', 'price-capacity-optimized'],
    ]);
  });

  test('that get fewer machines than they want fail only for the rest, with the exact offering', async () => {
    bed.set({ shortages: [{ instanceType: 'm7i.large', code: 'InsufficientInstanceCapacity', left: 3 }] });
    const outcomes = await launchAll(cellsOf('partial', 5));
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(failed).toHaveLength(2);
    for (const error of failed) {
      expect(error).toMatchObject({
        code: 'InsufficientCapacity',
        identity: {
          offering: 'ec2-on-demand/m7i.large/us-east-1a',
          awsCode: 'InsufficientInstanceCapacity',
          scope: 'offering',
        },
      });
    }
    expect(await machinesIn(bed)).toHaveLength(3);
  });

  test.each([
    ['UnfulfillableCapacity', 'InsufficientCapacity'],
    ['MaxSpotInstanceCountExceeded', 'InsufficientCapacity'],
    ['VcpuLimitExceeded', 'InsufficientCapacity'],
    ['Unsupported', 'InsufficientCapacity'],
    ['InsufficientFreeAddressesInSubnet', 'InsufficientCapacity'],
    ['MaxFleetCountExceeded', 'InsufficientCapacity'],
    ['RequestLimitExceeded', 'Throttled'],
    ['UnauthorizedOperation', 'Unauthorized'],
    ['InvalidParameterValue', 'InvalidConfig'],
  ])('that a fleet answers with %s fail as %s, and leave nothing', async (awsCode, code) => {
    bed.set({ shortages: [{ code: awsCode }] });
    await expect(provider.launch(launchOf('lacking'), soon())).rejects.toMatchObject({ code, identity: { awsCode } });
  });

  test('of a pool that has nothing cost ten requests at most, however many cells want it', async () => {
    const code = 'InsufficientInstanceCapacity';
    bed.set({ shortages: [{ instanceType: 'c6a.large', code }] });
    const more = { offering: offering({ instanceType: 'c6a.large' }) };
    // One that EC2 has not told yet that it asks for too many.
    const rested = await started();
    onTestFinished(() => rested.stop());
    for (const round of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const outcomes = await launchAll(cellsOf(`nothing-${round}`, 150), more, rested);
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'InsufficientCapacity' } });
    }
    expect(calls('ec2:CreateFleet').length).toBeLessThanOrEqual(10);
  });

  test('can be had again under the same id after they were refused', async () => {
    bed.set({ shortages: [{ code: 'RequestLimitExceeded' }] });
    await expect(provider.launch(launchOf('again'), soon())).rejects.toMatchObject({ code: 'Throttled' });
    bed.set({});
    await provider.launch(launchOf('again'), soon());
    expect(await machinesIn(bed)).toHaveLength(1);
  });

  test.each(['internal-error', 'cut'] as const)(
    'whose answer is lost (%s) after they are done bring each machine once',
    async (loseAnswer) => {
      bed.set({ actions: { 'ec2:CreateFleet': { times: 1, loseAnswer } } });
      expect(await countOf('fulfilled', launchAll(cellsOf(`lost-${loseAnswer}`, 4)))).toBe(4);
      expect(await machinesIn(bed)).toHaveLength(4);
    },
  );

  test('whose answer never comes are not said to lack machines that nobody has found', async () => {
    bed.set({
      shortages: [{ instanceType: 'm7i.large', code: 'InsufficientInstanceCapacity', left: 2 }],
      actions: { 'ec2:CreateFleet': { loseAnswer: 'internal-error' } },
    });
    const outcomes = await launchAll(cellsOf('unsettled', 3));
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(failed).toEqual(['AmbiguousOutcome']);
  });

  test('whose answer leaves machines out without a word bring each machine once', async () => {
    bed.set({ unnamedMachines: 2 });
    expect(await countOf('fulfilled', launchAll(cellsOf('unnamed', 4)))).toBe(4);
    expect(await machinesIn(bed)).toHaveLength(4);
  });

  test('go on as soon as EC2 knows a template that was made for them', async () => {
    bed.set({ templatesAfterMs: 3_000 });
    await provider.launch(launchOf('quick', { cellClass: cellClass({ rootVolume: { size: '47Gi' } }) }), soon());
    expect(await machinesIn(bed)).toHaveLength(1);
  });

  test('whose answer is lost while descriptions lag bring each machine once', async () => {
    bed.set({ visibleAfterMs: 4_000, actions: { 'ec2:CreateFleet': { times: 1, loseAnswer: 'internal-error' } } });
    expect(await countOf('fulfilled', launchAll(cellsOf('lagging', 4)))).toBe(4);
    expect(await machinesIn(bed)).toHaveLength(4);
  });

  test('are found under their id, and listed, while EC2 does not describe them yet', async () => {
    bed.set({ visibleAfterMs: 30_000 });
    const machine = await provider.launch(launchOf('unseen'), soon());
    expect(await provider.launch(launchOf('unseen'), soon())).toEqual(machine);
    expect((await provider.list(soon())).map(({ tags }) => tags.cellId)).toEqual(['unseen']);
    expect(await machinesIn(bed)).toHaveLength(1);
  });

  test('by two providers that do not see each other bring one machine for a cell', async () => {
    bed.set({ visibleAfterMs: 5_000 });
    const other = await started();
    await Promise.all([provider.launch(launchOf('torn'), soon()), other.launch(launchOf('torn'), soon())]);
    await other.stop();
    expect(await machinesIn(bed)).toHaveLength(1);
  });

  test('all come in time where EC2 throttles', async () => {
    const slow = { capacity: 1, perSecond: 2 };
    bed.set({ requestBuckets: { 'ec2:CreateFleet': slow, 'ec2:DescribeInstances': { capacity: 2, perSecond: 5 } } });
    const kinds = ['m7i.large', 'm6i.large', 'c7i.large', 'r7i.large', 'm6a.large', 'c6i.large'];
    const launches = kinds.map((instanceType, index) =>
      provider.launch(launchOf(`slow-${index}`, { offering: offering({ instanceType }) }), soon()),
    );
    await Promise.all(launches);
    expect(await machinesIn(bed)).toHaveLength(kinds.length);
  });

  test('beyond the rate of machines fail as throttled, and only those', async () => {
    bed.set({ latencyMs: 100, instanceBucket: { capacity: 3, perSecond: 0 } });
    const outcomes = await launchAll(cellsOf('rate', 5));
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(failed.map(({ code }) => code)).toEqual(['Throttled', 'Throttled']);
    expect(await machinesIn(bed)).toHaveLength(3);
  });

  test('that are not allowed name the action', async () => {
    bed.set({ actions: { 'ec2:CreateFleet': { refuse: { status: 403, code: 'UnauthorizedOperation' } } } });
    await expect(provider.launch(launchOf('forbidden'), soon())).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('ec2:CreateFleet'),
    });
  });

  test('in a zone that no subnet is in are refused with the remedy', async () => {
    const elsewhere = launchOf('elsewhere', { offering: offering({ zone: 'us-east-1z' }) });
    await expect(provider.launch(elsewhere, soon())).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringContaining('us-east-1z'),
    });
  });

  test('are of one template, with IMDSv2, one hop, an encrypted volume, and no public address', async () => {
    const spec = { rootVolume: { size: '30Gi', iops: 4_000 }, instanceProfile: 'cells', tags: { team: 'shop' } };
    const more = { cellClass: cellClass(spec) };
    await provider.launch(launchOf('first', more), soon());
    await provider.launch(launchOf('second', more), soon());
    const made = calls('ec2:CreateLaunchTemplate');
    expect(made).toHaveLength(1);
    const data = (field: string) => made[0]?.params.get(`LaunchTemplateData.${field}`);
    expect(data('MetadataOptions.HttpTokens')).toBe('required');
    expect(data('MetadataOptions.HttpPutResponseHopLimit')).toBe('1');
    expect(data('BlockDeviceMapping.1.Ebs.Encrypted')).toBe('true');
    expect(data('BlockDeviceMapping.1.Ebs.VolumeSize')).toBe('30');
    expect(data('NetworkInterface.1.AssociatePublicIpAddress')).toBe('false');
    expect(data('IamInstanceProfile.Name')).toBe('cells');
    const [machine] = await machinesIn(bed);
    expect(machine?.tags).toMatchObject({ team: 'shop', 'nodeless.io/namespace': 'default' });
  });

  test('go on where another has made the template, or somebody has deleted it', async () => {
    const more = { cellClass: cellClass({ rootVolume: { size: '41Gi' } }) };
    await provider.launch(launchOf('made', more), soon());
    const name = calls('ec2:CreateLaunchTemplate')[0]?.params.get('LaunchTemplateName') ?? '';
    const other = await started();
    await other.launch(launchOf('by-another', more), soon());
    await other.stop();
    await bed.ask({ Action: 'DeleteLaunchTemplate', LaunchTemplateName: name });
    await provider.launch(launchOf('made-again', more), soon());
    expect(await machinesIn(bed)).toHaveLength(3);
  });
});

describe('launch templates', () => {
  test('by which nobody has launched for a day are deleted, and made again where they are needed', async () => {
    const oldClass = { cellClass: cellClass({ rootVolume: { size: '43Gi' } }) };
    await provider.launch(launchOf('yesterday', oldClass), soon());
    const oldName = calls('ec2:CreateLaunchTemplate')[0]?.params.get('LaunchTemplateName') ?? '';
    const later = providerOver(bed, {}, { ...systemClock, now: () => systemClock.now() + 25 * HOUR_MS });
    bed.forget();
    await later.launch(launchOf('today', { cellClass: cellClass({ rootVolume: { size: '44Gi' } }) }), soon());
    const newName = calls('ec2:CreateLaunchTemplate')[0]?.params.get('LaunchTemplateName') ?? '';
    const names = async () =>
      (await bed.ask({ Action: 'DescribeLaunchTemplates' })).match(/nodeless-[0-9a-f]{24}/g) ?? [];
    await eventually('only the one that is used is there', async () => new Set(await names()).size === 1);
    expect(await names()).toContain(newName);
    await provider.launch(launchOf('again-today', oldClass), soon());
    expect(await names()).toContain(oldName);
    await later.stop();
  });
});

describe('machines in EC2', () => {
  test('end with one request for many', async () => {
    await launchAll(cellsOf('ending', 30));
    bed.forget();
    await Promise.all(cellsOf('ending', 30).map((cellId) => provider.terminate(cellId, soon())));
    expect(calls('ec2:TerminateInstances').length).toBeLessThanOrEqual(2);
    expect(await machinesIn(bed)).toEqual([]);
  });

  test('end although others can not that are ended with them, and only those are told of', async () => {
    const cellIds = cellsOf('guarded', 12);
    await launchAll(cellIds);
    const cells = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell'] ?? '').sort();
    await expect.poll(cells, { timeout: 30_000 }).toEqual(cellIds.toSorted());
    const guarded = (await machinesIn(bed)).find(({ tags }) => tags['nodeless.io/cell'] === 'guarded-5')?.id ?? '';
    const guard = (on: boolean) =>
      bed.ask({ Action: 'ModifyInstanceAttribute', InstanceId: guarded, 'DisableApiTermination.Value': String(on) });
    await guard(true);
    const ends = await Promise.allSettled(cellIds.map((cellId) => provider.terminate(cellId, soon())));
    const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(failed).toMatchObject([{ code: 'InvalidConfig', identity: { awsCode: 'OperationNotPermitted' } }]);
    expect(await cells()).toEqual(['guarded-5']);
    await guard(false);
  });

  test('whose launch is under way end with it, although whoever launched has given up', async () => {
    bed.set({ actions: { 'ec2:CreateFleet': { delayMs: 3_000 } } });
    const launch = provider.launch(launchOf('hasty'), soon()).catch(() => undefined);
    await eventually('EC2 is asked', async () => calls('ec2:CreateFleet').length === 1);
    await provider.terminate('hasty', soon());
    await launch;
    expect(await machinesIn(bed)).toEqual([]);
  });

  test('end also where EC2 does not know them yet', async () => {
    const refuse = { status: 400, code: 'InvalidInstanceID.NotFound' };
    bed.set({ visibleAfterMs: 9_000, actions: { 'ec2:TerminateInstances': { refuse, times: 1 } } });
    await provider.launch(launchOf('brief'), soon());
    await provider.terminate('brief', soon());
    bed.set({});
    expect(await machinesIn(bed)).toEqual([]);
  });

  test('that run although their end was confirmed are listed again', async () => {
    let passedMs = 0;
    const later = providerOver(bed, {}, { ...systemClock, now: () => systemClock.now() + passedMs });
    const refuse = { status: 400, code: 'InvalidInstanceID.NotFound' };
    bed.set({ visibleAfterMs: HOUR_MS, actions: { 'ec2:TerminateInstances': { refuse } } });
    await later.launch(launchOf('undead'), soon());
    passedMs += HOUR_MS / 10;
    await later.terminate('undead', soon());
    bed.set({});
    expect((await live(later)).map(({ tags }) => tags.cellId)).toEqual([]);
    passedMs += HOUR_MS / 10;
    expect((await live(later)).map(({ tags }) => tags.cellId)).toEqual(['undead']);
    await later.stop();
  });

  test('that a provider has ended are no news to the next one', async () => {
    await provider.launch(launchOf('ended'), soon());
    await provider.terminate('ended', soon());
    const later = await started();
    const told = async () => (await later.list(soon())).map(({ tags }) => tags.cellId);
    await expect.poll(told, { timeout: 30_000 }).not.toContain('ended');
    await later.stop();
  });

  test('are confirmed to have ended also where they can not be marked as such', async () => {
    await provider.launch(launchOf('unmarked'), soon());
    bed.set({ actions: { 'ec2:CreateTags': { refuse: { status: 403, code: 'UnauthorizedOperation' } } } });
    await provider.terminate('unmarked', soon());
    expect((await provider.list(soon())).map(({ tags }) => tags.cellId)).toEqual([]);
  });

  test('that a provider died over before it assigned them are given to the same cells by the next', async () => {
    bed.set({ actions: { 'ec2:CreateTags': { refuse: { status: 500, code: 'InternalError' } } } });
    const dying = await started();
    const cellIds = cellsOf('orphan', 3);
    const launches = cellIds.map((cellId) => dying.launch(launchOf(cellId), soon()).catch(() => undefined));
    await eventually('the machines are there', async () => (await machinesIn(bed)).length === 3);
    await dying.stop();
    await Promise.all(launches);
    bed.set({});
    const next = await started();
    const before = (await live(next)).map(({ tags }) => tags.cellId);
    expect(before.every((cellId) => cellId.startsWith('i-'))).toBe(true);
    await Promise.all(cellIds.map((cellId) => next.launch(launchOf(cellId), soon())));
    expect((await live(next)).map(({ tags }) => tags.cellId).sort()).toEqual(cellIds);
    expect(await machinesIn(bed)).toHaveLength(3);
    await next.stop();
  });

  test('that another process has assigned since they were listed are given to nobody else', async () => {
    bed.set({ actions: { 'ec2:CreateTags': { delayMs: 5_000 } } });
    const leading = await started();
    const next = await started();
    await Promise.all(['mine-1', 'mine-2'].map((cellId) => leading.launch(launchOf(cellId), soon())));
    expect((await live(next)).every(({ tags }) => tags.cellId.startsWith('i-'))).toBe(true);
    const tagged = async () => (await machinesIn(bed)).filter(({ tags }) => tags['nodeless.io/cell'] !== undefined);
    await eventually('both are assigned', async () => (await tagged()).length === 2);
    bed.set({});
    await next.launch(launchOf('another'), soon());
    const cells = (await tagged()).map(({ tags }) => tags['nodeless.io/cell']);
    expect(cells.sort()).toEqual(['another', 'mine-1', 'mine-2']);
    await Promise.all([leading.stop(), next.stop()]);
  });

  test('are tagged by nobody who may not lead, and not taken back from who led meanwhile', async () => {
    let leads = false;
    const mayAct = () => leads;
    await Promise.all(['late-1', 'late-2'].map((cellId) => provider.launch(launchOf(cellId, { mayAct }), soon())));
    bed.forget();
    const next = await started();
    await next.list(soon());
    await next.launch(launchOf('theirs'), soon());
    const cells = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell']);
    await eventually('theirs is assigned', async () => (await cells()).includes('theirs'));
    expect(calls('ec2:CreateTags')).toHaveLength(1);
    leads = true;
    await eventually('both are assigned', async () => !(await cells()).includes(undefined));
    expect((await cells()).sort()).toEqual([expect.stringMatching(/^late-[12]$/), 'theirs']);
    await next.stop();
  });

  test('are not tagged by who waited for its turn and may not lead any more', async () => {
    let leads = true;
    const mayAct = () => leads;
    bed.set({ actions: { 'ec2:CreateTags': { delayMs: 2_000 } } });
    await Promise.all(cellsOf('queued', 12).map((cellId) => provider.launch(launchOf(cellId, { mayAct }), soon())));
    await eventually('as many are tagged at once as may be', async () => calls('ec2:CreateTags').length === 8);
    leads = false;
    const cells = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell']);
    const taggedCount = async () => (await cells()).filter((cell) => cell !== undefined).length;
    await eventually('what was on its way is there', async () => (await taggedCount()) === 8);
    const next = await started();
    await next.list(soon());
    await next.launch(launchOf('heir'), soon());
    await eventually('the heir is assigned', async () => (await cells()).includes('heir'));
    expect(calls('ec2:CreateTags')).toHaveLength(9);
    leads = true;
    await eventually('all are assigned', async () => !(await cells()).includes(undefined));
    await next.stop();
  });

  test('that nobody claims are listed by their own ids, and ended by these', async () => {
    bed.set({ actions: { 'ec2:CreateTags': { refuse: { status: 500, code: 'InternalError' } } } });
    const dying = await started();
    const launches = ['x', 'y'].map((cellId) => dying.launch(launchOf(cellId), soon()).catch(() => undefined));
    await eventually('the machines are there', async () => (await machinesIn(bed)).length === 2);
    await dying.stop();
    await Promise.all(launches);
    bed.set({});
    const listed = (await live(provider)).map(({ tags }) => tags.cellId);
    expect(listed).toHaveLength(2);
    for (const cellId of listed) await provider.terminate(cellId, soon());
    expect(await machinesIn(bed)).toEqual([]);
  });

  test('that are two of one cell are told of as the cell and as a machine of nobody, which ends and is not let in', async () => {
    await launchAll(['twin', 'other']);
    const cells = async () => (await machinesIn(bed)).flatMap(({ tags }) => tags['nodeless.io/cell'] ?? []);
    await expect.poll(async () => (await cells()).sort(), { timeout: 30_000 }).toEqual(['other', 'twin']);
    const other = (await machinesIn(bed)).find(({ tags }) => tags['nodeless.io/cell'] === 'other')?.id ?? '';
    const tag = { 'Tag.1.Key': 'nodeless.io/cell', 'Tag.1.Value': 'twin' };
    await bed.ask({ Action: 'CreateTags', 'ResourceId.1': other, ...tag });
    const next = await started();
    const listed = (await live(next)).map(({ tags }) => tags.cellId).sort();
    expect(listed).toEqual([expect.stringMatching(/^i-/), 'twin']);
    const [double = ''] = listed;
    expect(await next.attest(await evidenceOf(bed, double), soon())).toEqual({ outcome: 'unknown' });
    await next.terminate(double, soon());
    expect(await cells()).toEqual(['twin']);
    expect((await live(next)).map(({ tags }) => tags.cellId)).toEqual(['twin']);
    await next.stop();
  });

  test("of cells are not ended by their machines' ids, nor are those of others", async () => {
    await provider.launch(launchOf('mine'), soon());
    const [machine] = await machinesIn(bed);
    await provider.terminate(machine?.id ?? '', soon());
    expect(await machinesIn(bed)).toHaveLength(1);
  });
});

describe('spot machines in EC2', () => {
  const GIVEN = { cpuMilli: 3_900, memoryBytes: 2 ** 33, ephemeralStorageBytes: 2 ** 34, extended: {} };
  const spot = (instanceType: string, pricePerHourUsd: number, zone = 'us-east-1a') =>
    offering({ instanceType, pricePerHourUsd, zone, launchType: 'ec2-spot' });
  const chosen = spot('m7i.large', 0.04);
  const other = { ...spot('m7a.xlarge', 0.045, 'us-east-1b'), allocatable: GIVEN, baselineCpuMilli: 3_000 };
  const arm = { ...spot('m7g.large', 0.041), arch: 'arm64' };
  const asked = { offering: chosen, alternatives: [arm, other] };
  const lacking = [chosen, arm].map(({ instanceType }) => ({ instanceType, code: 'InsufficientInstanceCapacity' }));

  test('are of whichever pool has them, by one request, and are told of as what they are, also by who did not launch them', async () => {
    bed.set({ shortages: lacking });
    const outcomes = await launchAll(cellsOf('deep', 3), asked);
    const told = { instanceType: 'm7a.xlarge', zone: 'us-east-1b', pricePerHourUsd: 0.045, allocatable: GIVEN };
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'fulfilled', value: told });
    expect(calls('ec2:CreateFleet')).toHaveLength(1);
    const shapes = async () => (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/shape']);
    await expect.poll(shapes, { timeout: 30_000 }).toEqual(Array(3).fill(expect.stringContaining('cpu=3900 ')));
    const next = await started();
    for (const machine of await live(next)) expect(machine).toMatchObject(told);
    await next.stop();
  });

  test('of one cell too are told of as what they are', async () => {
    bed.set({ shortages: lacking });
    const told = { instanceType: 'm7a.xlarge', pricePerHourUsd: 0.045, allocatable: GIVEN };
    expect(await provider.launch(launchOf('alone', asked), soon())).toMatchObject(told);
    const next = await started();
    const priceOf = async () => (await live(next)).map(({ pricePerHourUsd }) => pricePerHourUsd);
    await expect.poll(priceOf, { timeout: 30_000 }).toEqual([0.045]);
    await next.stop();
  });

  test('that no pool has fail as one, which says how many were asked for', async () => {
    bed.set({ shortages: [{ launchType: 'spot', code: 'InsufficientInstanceCapacity' }] });
    const failed = provider.launch(launchOf('none', asked), soon());
    await expect(failed).rejects.toMatchObject({ code: 'InsufficientCapacity' });
    await expect(failed).rejects.toThrow('nor any of 2 others that would do');
  });
});

describe('the console of a machine in EC2', () => {
  test('is what EC2 has of it, also for who did not launch it; of no machine it is not found', async () => {
    await provider.launch(launchOf('talks'), soon());
    const [machine] = await machinesIn(bed);
    bed.consoles.set(machine?.id ?? '', async () => 'cloud-init: no role\n');
    expect(await provider.console?.('talks', soon())).toBe('cloud-init: no role\n');
    const next = await started();
    expect(await next.console?.('talks', soon())).toBe('cloud-init: no role\n');
    await next.stop();
    await expect(provider.console?.('never', soon())).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('that can not be had as it is now is had as EC2 took it last', async () => {
    await provider.launch(launchOf('older'), soon());
    const refuse = { status: 400, code: 'UnsupportedOperation' };
    bed.set({ actions: { 'ec2:GetConsoleOutput': { refuse, times: 1 } } });
    bed.forget();
    expect(await provider.console?.('older', soon())).toBe('');
    expect(calls('ec2:GetConsoleOutput').map(({ params }) => params.get('Latest'))).toEqual(['true', undefined]);
  });
});

describe('what EC2 is asked for', () => {
  test('is what deploy/iam/aws-ec2.json allows, and nothing else', async () => {
    await provider.offerings(soon());
    const securityGroups = [{ tags: { Name: 'cells' } }];
    const more = { cellClass: cellClass({ securityGroups }) };
    await expect(provider.launch(launchOf('grouped', more), soon())).rejects.toMatchObject({ code: 'NotFound' });
    await provider.launch(launchOf('allowed'), soon());
    await provider.console?.('allowed', soon());
    const told = new AbortController();
    const warned = await started({ interruptionQueue: QUEUE_URL });
    warned.interruptions?.(() => true, told.signal);
    bed.queue.send('EC2 Rebalance', {});
    await expect.poll(() => bed.queue.size, { timeout: 30_000 }).toBe(0);
    await expect.poll(() => bed.actions.has('ec2:DescribeInstanceStatus'), { timeout: 30_000 }).toBe(true);
    told.abort();
    await warned.stop();
    await provider.terminate('allowed', soon());
    const allowed = [...(await allowedActions())].filter((action) => !IMPLIED.includes(action));
    expect([...bed.actions].sort()).toEqual(allowed.sort());
  });
});
