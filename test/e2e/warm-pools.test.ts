import { afterEach, describe, expect, test } from 'vitest';
import { cellProcesses, machines, noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { nodeless } from '../support/nodeless.ts';
import { pod } from '../support/objects.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, trySend, get, apply } = tools;
const nodelessPool = (...args: readonly string[]) => nodeless(tools, 'pool', ...args);

const SHAPE = { cpu: '250m', memory: '256Mi' };

function warmPool(name: string, spec: object): object {
  return { apiVersion: 'nodeless.io/v1alpha1', kind: 'WarmPool', metadata: { name }, spec };
}

interface Pool {
  readonly status: {
    readonly ready?: number;
    readonly booting?: number;
    readonly stopped?: number;
    readonly hitRate?: string;
    readonly why?: string;
    readonly conditions?: readonly { type: string; status: string; reason: string; message: string }[];
  };
}

interface Cell {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase: string;
    readonly pod: string;
    readonly pool?: string;
    readonly claimedAt?: string;
    readonly phases?: Record<string, string>;
  };
}

async function cellsOf(name: string): Promise<readonly Cell[]> {
  const { items } = await get<{ items: Cell[] }>('cells');
  return items.filter(({ status }) => status?.pool === name);
}

async function whenReady(name: string, count: number): Promise<void> {
  await eventually(
    `${count} cells of ${name} wait`,
    async () => (await get<Pool>('warmpool', name)).status.ready === count,
    90_000,
  );
}

async function events(of: string): Promise<string> {
  const format = 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}';
  return kubectl('get', 'events', '--field-selector', `involvedObject.name=${of}`, '-o', format);
}

/** Creates pods at once; resolves with how long each took from its creation to Ready, in milliseconds. */
async function step(names: readonly string[], labels: Record<string, string>): Promise<readonly number[]> {
  const beganMs = Date.now();
  await apply(...names.map((name) => pod(name, { metadata: { labels } })));
  return Promise.all(
    names.map(async (name) => {
      await kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=90s');
      return Date.now() - beganMs;
    }),
  );
}

/** From a claim until the cell was shown its pod, in milliseconds. */
async function deliveryMs(name: string): Promise<number> {
  return eventually(`the cell of ${name} is told of`, async () => {
    const cell = (await get<{ items: Cell[] }>('cells')).items.find(({ status }) => status?.pod === `default/${name}`);
    const { claimedAt, phases } = cell?.status ?? {};
    return (
      claimedAt !== undefined && phases?.running !== undefined && Date.parse(phases.running) - Date.parse(claimedAt)
    );
  });
}

async function podsGone(...names: readonly string[]): Promise<void> {
  await kubectl('delete', 'pod', ...names, '--wait', '--grace-period=1', '--ignore-not-found');
}

/** Cells boot in most of these, some twice. */
const TIMEOUT_MS = 300_000;

describe('a WarmPool', { timeout: TIMEOUT_MS }, () => {
  afterEach(async () => {
    await kubectl('delete', 'warmpools', '--all', '--wait');
    await kubectl('delete', 'pods', '--all', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
  });

  test.each([
    [{ shape: SHAPE, min: 3, max: 2 }, 'has a min above its max; lower min'],
    [{}, 'has neither shape nor selector; give the size'],
    [{ shape: SHAPE, launchTypes: ['fargate'] }, 'names fargate, whose tasks'],
    [{ shape: SHAPE, min: 1, budget: { maxPricePerHourUsd: 0 } }, 'has a budget of 0, and a min above it'],
    [{ shape: { cpu: '1' } }, 'spec.shape.memory: Required value'],
    [{ shape: SHAPE, startupSla: { percentile: 100 } }, 'spec.startupSla.percentile'],
    [{ shape: SHAPE, startupSla: { target: 'soon' } }, 'spec.startupSla.target'],
    [{ shape: SHAPE, unknown: 1 }, 'unknown field "spec.unknown"'],
  ])('%j is refused by its definition', async (spec, message) => {
    const refused = await trySend(warmPool('wrong', spec), 'create', '-f', '-');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(message);
  });

  const open = { cron: '0 8 * * *', duration: '1h', min: 3 };
  test.each([
    [
      { shape: { cpu: '0', memory: '1Gi' } },
      'spec.shape has no CPU or no memory; name what a pod of the pool requests',
    ],
    [
      { shape: SHAPE, schedule: [{ ...open, timeZone: 'Mars/Base' }] },
      'timeZone is no time zone that is known here; use',
    ],
    [
      { shape: SHAPE, schedule: [open, { ...open, min: 0, max: 1 }] },
      'are open at once, as at 2026-01-01T08:00:00.000Z',
    ],
  ])(
    '%j, which its definition can not judge, is refused by the webhook with the field and the remedy',
    async (spec, message) => {
      const refused = await trySend(warmPool('wrong', spec), 'create', '-f', '-');
      expect(refused.stderr).toContain(message);
    },
  );

  test('has a scale with a selector from the first moment on, and is listed with what it is for', async () => {
    await apply(warmPool('idle', { shape: SHAPE, max: 0 }));
    const path = '/apis/nodeless.io/v1alpha1/warmpools/idle/scale';
    const scale = JSON.parse(await kubectl('get', '--raw', path)) as { status: { selector: string } };
    expect(scale.status.selector).toContain('nodeless.io/pool');
    const { spec } = await get<{ spec: object }>('warmpool', 'idle');
    expect(spec).toMatchObject({ startupSla: { target: '5s', percentile: 95 }, min: 0, budget: {} });
  });

  test('keeps cells that wait, and gives them to steps of 1 and of 3 pods; one that may hold none says that its SLA is missed', async () => {
    const labels = { app: 'warm' };
    await apply(
      warmPool('none', {
        shape: SHAPE,
        max: 0,
        selector: { matchLabels: { app: 'cold' } },
        startupSla: { target: '500ms' },
      }),
    );
    const cold = { one: await step(['c1'], { app: 'cold' }), three: await step(['c2', 'c3', 'c4'], { app: 'cold' }) };
    const missed = await eventually('the pool that may hold nothing says that the SLA is missed', async () => {
      const { status } = await get<Pool>('warmpool', 'none');
      const sla = status.conditions?.find(({ type }) => type === 'SlaMet');
      return sla?.status === 'False' && sla.message.includes('of the last 4 starts') && sla;
    });
    expect(missed.message).toMatch(/p95 of the last 4 starts is .* which misses 500 ms; the pool holds 0, as its max/);
    await podsGone('c1', 'c2', 'c3', 'c4');

    await apply(warmPool('web', { shape: SHAPE, min: 3, max: 3, selector: { matchLabels: labels } }));
    await whenReady('web', 3);
    expect((await cellsOf('web')).map(({ status }) => status?.pod)).toEqual(Array(3).fill('none (pool web)'));
    expect(await nodelessPool('list')).toMatch(/^web +5 s p95 +3 +3 +0 +0/m);
    expect(await nodelessPool('show', 'web')).toContain('3 wait, 0 boot');
    const one = await step(['w1'], labels);
    await whenReady('web', 3);
    const three = await step(['w2', 'w3', 'w4'], labels);
    for (const name of ['w1', 'w2', 'w3', 'w4']) {
      expect(await events(name)).toMatch(/CellClaimed: cell-\w+ of pool web: a warm local-/);
      expect(await events(name)).toContain('warm start: of pool web');
    }
    const delivered = await Promise.all(['w1', 'w2', 'w3', 'w4'].map(deliveryMs));
    // 20 ms on a machine that does nothing else; on any it is a small part of a start.
    expect(Math.min(...delivered) * 5).toBeLessThan(Math.min(...one, ...three));
    console.log(JSON.stringify({ cold, warm: { one, three }, delivered }));
    const { status } = await eventually('the pool tells of its hits', async () => {
      const pool = await get<Pool>('warmpool', 'web');
      return pool.status.hitRate === '100%' && pool;
    });
    expect(status.why).toContain('3 cells');
    expect((await machines(CLUSTER)).filter(({ podUid }) => podUid !== '')).toHaveLength(4);
    expect(
      JSON.parse(await kubectl('get', '--raw', '/apis/nodeless.io/v1alpha1/warmpools/web/scale')).status.selector,
    ).toBe('app=warm');
  });

  test('has its cells again after the provider was killed, buys none anew, and gives each once', async () => {
    await apply(warmPool('web', { shape: SHAPE, min: 2, max: 2 }));
    await whenReady('web', 2);
    const before = (await machines(CLUSTER)).map(({ cellId }) => cellId).sort();
    await killProvider(CLUSTER);
    await apply(pod('p1'), pod('p2'));
    await startProviderAgain(CLUSTER);
    await kubectl('wait', 'pod/p1', 'pod/p2', '--for=condition=Ready', '--timeout=110s');
    const after = await machines(CLUSTER);
    for (const cellId of before) expect(after.map((machine) => machine.cellId)).toContain(cellId);
    const owners = after.filter(({ podUid }) => podUid !== '').map(({ podUid }) => podUid);
    expect(owners).toHaveLength(2);
    expect(new Set(owners).size).toBe(2);
    expect(
      after
        .filter(({ podUid }) => podUid !== '')
        .map(({ cellId }) => cellId)
        .sort(),
    ).toEqual(before);
  });

  test('keeps cells stopped where that is soon enough: nothing of them runs, and a pod has one of them started', async () => {
    const spec = { shape: SHAPE, tiers: ['running', 'stopped'], startupSla: { target: '4500ms' }, min: 2, max: 2 };
    await apply(warmPool('still', spec));
    await eventually(
      'two cells are stopped',
      async () => (await get<Pool>('warmpool', 'still')).status.stopped === 2,
      90_000,
    );
    const before = (await machines(CLUSTER)).map(({ cellId }) => cellId).sort();
    expect(before).toHaveLength(2);
    await eventually('none of their processes is left', async () =>
      (await Promise.all(before.map((cellId) => cellProcesses(CLUSTER, cellId)))).every(({ length }) => length === 0),
    );
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    await step(['s1'], { app: 'still' });
    const owner = (await machines(CLUSTER)).find(({ podUid }) => podUid !== '');
    expect(before).toContain(owner?.cellId);
    expect(await events('s1')).toMatch(/CellClaimed: cell-\w+ of pool still: .* which was stopped and boots again/);
    await eventually(
      'two are stopped again',
      async () => (await get<Pool>('warmpool', 'still')).status.stopped === 2,
      90_000,
    );
    // Who leads leads by now.
    console.log(JSON.stringify({ startOfStoppedMs: await step(['s2'], { app: 'still' }) }));
    const told = (await get<Pool>('warmpool', 'still')).status.conditions?.find(({ type }) => type === 'StoppedTier');
    expect(told).toMatchObject({ status: 'True' });
  });

  test('is made and changed by nodeless pool set, which says what it costs before', async () => {
    const cost = await nodelessPool(
      'set',
      'made',
      '--shape',
      '250m/256Mi',
      '--max',
      '0',
      '--provider',
      'local',
      '--dry-run',
    );
    expect(cost).toMatch(/a cell is local-\S+ at \$[\d.]+ an hour\nat least \$0\.0000/);
    expect(await kubectl('get', 'warmpools', '-o', 'name')).toBe('');
    await nodelessPool('set', 'made', '--shape', '250m/256Mi', '--max', '0', '--provider', 'local', '--yes');
    await nodelessPool('set', 'made', '--startup-sla', '3s', '--percentile', '99', '--yes', '--provider', 'local');
    const { spec } = await get<{ spec: object }>('warmpool', 'made');
    expect(spec).toMatchObject({ max: 0, startupSla: { target: '3s', percentile: 99 } });
  });

  test('that is deleted while its cells boot leaves nothing', async () => {
    await apply(warmPool('brief', { shape: SHAPE, min: 3, max: 3 }));
    await eventually('cells boot', async () => (await machines(CLUSTER)).length === 3);
    await kubectl('delete', 'warmpool', 'brief', '--wait');
    await noMachines(CLUSTER);
  });
});
