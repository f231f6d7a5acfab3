import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { AGENT_REQUIRED_ANNOTATION, CELL_ANNOTATION, DAEMONSET_POLICY_ANNOTATION } from '../../../src/core/names.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { podOf } from '../placement/pods.ts';
import { offering, world } from '../pods/world.ts';

type World = ReturnType<typeof world>;

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function started(remains?: World): World {
  const made = world([offering('large', 1), offering('dear', 2)], remains);
  stops.push(made.stop);
  made.start();
  return made;
}

const requests = (cpu: string) => ({ containers: [{ name: 'c', resources: { requests: { cpu, memory: '64Mi' } } }] });

function inject(
  made: World,
  { required = false, cpu = '100m', namespace = 'ns', name = 'agent', uid = 'ds' } = {},
): void {
  const annotations = { [DAEMONSET_POLICY_ANNOTATION]: 'inject', [AGENT_REQUIRED_ANNOTATION]: String(required) };
  const metadata = { name, namespace, uid, resourceVersion: String(revision++), annotations };
  made.daemonSets.apply('ADDED', { metadata, spec: { template: { spec: requests(cpu) } } });
}
let revision = 10;

function createAgent(
  made: World,
  {
    cpu = '100m',
    name = 'agent-x',
    namespace = 'ns',
    of = 'agent',
    uid = 'ds',
    createdAt = '2026-01-01T00:00:09Z',
  } = {},
): void {
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: of, uid, controller: true };
  const creationTimestamp = createdAt as never;
  const metadata = { name, namespace, uid: `uid-${name}`, ownerReferences: [owner], creationTimestamp };
  made.pods.create(name, { metadata, spec: requests(cpu) });
}

function create(made: World, name: string): void {
  const pod = podOf(name);
  made.pods.create(name, { ...pod, spec: requests('100m') } as WirePod);
}

function cellOf(made: World, name: string) {
  const cellId = made.pods.get(name)?.metadata.annotations?.[CELL_ANNOTATION] ?? '';
  return made.book.get(cellId);
}

/** Waits for the machine of a pod's cell, and has its kubelet report. */
async function boot(made: World, name: string, allocatable = { cpu: '1', memory: '1Gi' }): Promise<string> {
  await vi.waitFor(() => expect(cellOf(made, name)?.phase).toBe('booting'));
  const cellId = cellOf(made, name)?.cellId ?? '';
  made.report(cellId, allocatable);
  return cellId;
}

function tell(made: World, cellId: string, ready: boolean, reason = 'CrashLoopBackOff'): void {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const state = ready ? { running: {} } : { waiting: { reason, message: 'x' } };
  const containerStatuses = [{ name: 'c', ready, restartCount: 1, state }];
  made.book.tellAgent(cellId, 'uid-agent-x', { phase: 'Running', conditions, containerStatuses });
}

const handedOver = (made: World, name: string) => cellOf(made, name)?.members.get(`uid-${name}`)?.handedOver;
const ready = (made: World) =>
  made.pods.get('agent-x')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
const messages = (made: World, reason: string) =>
  made.pods.events.filter((event) => event.reason === reason).map(({ message }) => message);

function markDeleted(made: World, agoMs = 0): void {
  made.pods.change('agent-x', (pod) => {
    const deletionTimestamp = new Date(Date.now() - agoMs).toISOString();
    return { ...pod, metadata: { ...pod.metadata, deletionTimestamp } };
  });
}

describe('an agent', () => {
  test('is Ready without cells, is shown to those that are there and to those that come, and keeps none', async () => {
    const made = started();
    create(made, 'before');
    const first = await boot(made, 'before');
    inject(made);
    createAgent(made);
    await vi.waitFor(() => expect(made.book.podUids(first)).toContain('uid-agent-x'));
    create(made, 'after');
    const second = await boot(made, 'after');
    await vi.waitFor(() => expect(made.book.podUids(second)).toEqual(new Set(['uid-agent-x', 'uid-after'])));
    for (const name of ['before', 'after']) made.pods.remove(name);
    await vi.waitFor(() => expect(made.machines.size).toBe(0));
    expect(made.book.size).toBe(0);
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
  });

  test('has the sum of what its cells tell for its status, whatever becomes of its DaemonSet', async () => {
    const made = started();
    inject(made);
    createAgent(made);
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    create(made, 'a');
    const cellId = await boot(made, 'a');
    await vi.waitFor(() => expect(handedOver(made, 'a')).toBe(true));
    tell(made, cellId, false);
    await vi.waitFor(() => expect(ready(made)).toBe('False'));
    expect(made.pods.get('agent-x')?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
    made.daemonSets.apply('DELETED', { metadata: { name: 'agent', namespace: 'ns', uid: 'ds' } });
    tell(made, cellId, true);
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    expect(made.pods.get('a')?.status?.conditions?.some(({ type }) => type === 'Ready')).toBe(false);
  });

  test('is not on a cell that has no room for it, which is told, and takes no pod’s place', async () => {
    const made = started();
    create(made, 'a');
    const cellId = await boot(made, 'a', { cpu: '150m', memory: '256Mi' });
    inject(made);
    createAgent(made);
    await vi.waitFor(() => expect(messages(made, 'NoRoom')[0]).toMatch(/^cell-\w+ has 50m cpu, .* left/));
    expect(made.book.podUids(cellId)).toEqual(new Set(['uid-a']));
    await vi.waitFor(() => {
      const { conditions = [] } = made.pods.get('agent-x')?.status ?? {};
      expect(conditions.map(({ message }) => message).join()).toContain('1 have no room for it');
    });
  });

  test('that asks for more than can be counted is in no cell, is told so, and stops nothing else', async () => {
    const made = started();
    inject(made);
    createAgent(made);
    create(made, 'before');
    const first = await boot(made, 'before');
    await vi.waitFor(() => expect(made.book.podUids(first)).toEqual(new Set(['uid-agent-x', 'uid-before'])));
    const huge = { name: 'huge', uid: 'ds-huge', cpu: '9e15' };
    inject(made, { ...huge, required: true });
    createAgent(made, { ...huge, name: 'huge-x', of: 'huge', createdAt: '2026-01-01T00:00:01Z' });
    await vi.waitFor(() => expect(messages(made, 'NoRoom')[0]).toContain('more than can be counted'));
    create(made, 'after');
    const second = await boot(made, 'after');
    await vi.waitFor(() => expect(made.book.podUids(second)).toEqual(new Set(['uid-agent-x', 'uid-after'])));
    for (const name of ['before', 'after']) made.pods.remove(name);
    await vi.waitFor(() => expect(made.machines.size).toBe(0));
  });

  test('of a namespace that may have none waits and is told what to do, and is in no cell', async () => {
    const made = started();
    inject(made, { namespace: 'other' });
    createAgent(made, { namespace: 'other' });
    create(made, 'a');
    const cellId = await boot(made, 'a');
    const told = /^DaemonSet agent asks for a place in every cell, which those of namespace other may not have/;
    await vi.waitFor(() => expect(messages(made, 'AgentDenied')[0]).toMatch(told));
    await vi.waitFor(() => expect(handedOver(made, 'a')).toBe(true));
    await systemClock.sleep(1_200, made.stop.signal);
    expect(made.book.podUids(cellId)).toEqual(new Set(['uid-a']));
    expect(ready(made)).toBeUndefined();
  });
});

describe('the end of an agent', () => {
  async function onTwoCells(made: World): Promise<readonly string[]> {
    inject(made);
    createAgent(made);
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    for (const name of ['a', 'b']) create(made, name);
    const cells = [await boot(made, 'a'), await boot(made, 'b')];
    for (const cellId of cells) await vi.waitFor(() => expect(made.book.podUids(cellId)).toContain('uid-agent-x'));
    return cells;
  }

  test('comes when all cells have let it go or are gone, and it is shown to no new one', async () => {
    const made = started();
    const [first = '', second = ''] = await onTwoCells(made);
    markDeleted(made);
    made.book.unseatAgent(first, 'uid-agent-x');
    create(made, 'c');
    const third = await boot(made, 'c');
    await systemClock.sleep(1_300, made.stop.signal);
    expect(made.pods.get('agent-x')).toBeDefined();
    expect(made.book.podUids(first)).not.toContain('uid-agent-x');
    expect(made.book.podUids(third)).toEqual(new Set(['uid-c']));
    const cell = made.book.get(second);
    if (cell !== undefined) made.book.enter(cell, 'lost', 'gone');
    await vi.waitFor(() => expect(made.pods.get('agent-x')).toBeUndefined());
  });

  test('does not wait for ever for cells', async () => {
    const made = started();
    await onTwoCells(made);
    markDeleted(made, 16_000);
    await vi.waitFor(() => expect(made.pods.get('agent-x')).toBeUndefined());
    await vi.waitFor(() => expect([...made.book.cells()].some(({ agents }) => agents.size > 0)).toBe(false));
  });
});

describe('a required agent', () => {
  test('is waited for, and the pod is told when that takes long; one that is not required is not', async () => {
    const made = started();
    inject(made, { required: true });
    createAgent(made);
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    create(made, 'a');
    const cellId = await boot(made, 'a');
    await vi.waitFor(() => expect(made.book.podUids(cellId)).toEqual(new Set(['uid-agent-x'])));
    tell(made, cellId, false, 'ImagePullBackOff');
    const told =
      /^cell-\w+ is there, but not its required agents: ns\/agent \(ImagePullBackOff\); `nodeless cells logs/;
    await vi.waitFor(() => expect(messages(made, 'AgentNotReady')[0]).toMatch(told));
    expect(handedOver(made, 'a')).toBe(false);
    tell(made, cellId, true);
    await vi.waitFor(() => expect(handedOver(made, 'a')).toBe(true));
    create(made, 'b');
    await boot(made, 'b');
    inject(made);
    await vi.waitFor(() => expect(handedOver(made, 'b')).toBe(true));
    expect(messages(made, 'AgentNotReady')).toHaveLength(1);
  });

  test('is waited for also before its pod has come, and where there is no room the cell is replaced', async () => {
    const made = started();
    inject(made, { required: true, cpu: '300m' });
    create(made, 'a');
    const cellId = await boot(made, 'a', { cpu: '350m', memory: '1Gi' });
    await vi.waitFor(() => expect(messages(made, 'CellReplaced')[0]).toContain(cellId));
    const next = await boot(made, 'a');
    await systemClock.sleep(200, made.stop.signal);
    expect(made.agents.awaitedOn(made.book.get(next) as never)).toEqual(['ns/agent (it has no pod on the node)']);
    expect(handedOver(made, 'a')).toBe(false);
  });
});

describe('the room of a required agent', () => {
  test('is that of its pod, where it asks for more than its template', async () => {
    const made = started();
    inject(made, { required: true, cpu: '0' });
    createAgent(made, { cpu: '800m' });
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    create(made, 'a');
    await vi.waitFor(() => expect(cellOf(made, 'a')?.phase).toBe('booting'));
    made.pods.create('b', { ...podOf('b'), spec: requests('300m') } as WirePod);
    await vi.waitFor(() => expect(messages(made, 'NoOffering')[0]).toMatch(/cpu/));
  });

  test('is not taken by an older one that is not required', async () => {
    const made = started();
    inject(made, { required: true, cpu: '150m' });
    inject(made, { name: 'extra', uid: 'ds-extra', cpu: '150m' });
    createAgent(made, { cpu: '150m' });
    createAgent(made, {
      name: 'extra-x',
      of: 'extra',
      uid: 'ds-extra',
      cpu: '150m',
      createdAt: '2026-01-01T00:00:01Z',
    });
    await vi.waitFor(() => expect(ready(made)).toBe('True'));
    create(made, 'a');
    const cellId = await boot(made, 'a', { cpu: '350m', memory: '1Gi' });
    await vi.waitFor(() => expect(made.book.podUids(cellId)).toEqual(new Set(['uid-agent-x'])));
    tell(made, cellId, true);
    await vi.waitFor(() => expect(handedOver(made, 'a')).toBe(true));
  });

  test('is counted beside what a pod gets that asks for nothing: a cell without it is replaced, unless it runs a pod', async () => {
    const made = started();
    made.pods.create('idle');
    const running = await boot(made, 'idle', { cpu: '400m', memory: '1Gi' });
    await vi.waitFor(() => expect(handedOver(made, 'idle')).toBe(true));
    inject(made, { required: true, cpu: '200m' });
    createAgent(made, { cpu: '200m' });
    await vi.waitFor(() => expect(messages(made, 'NoRoom')).toHaveLength(1));
    made.pods.create('next');
    const cellId = await boot(made, 'next', { cpu: '400m', memory: '1Gi' });
    await vi.waitFor(() => expect(messages(made, 'CellReplaced')[0]).toContain(cellId));
    expect(made.book.get(running)?.phase).toBe('running');
    const other = await boot(made, 'next');
    await vi.waitFor(() => expect(made.book.podUids(other)).toEqual(new Set(['uid-agent-x'])));
  });
});

describe('a provider that is killed', () => {
  test('shows no list before it knows each cell’s agents, and then the same as before', async () => {
    const before = started();
    create(before, 'full');
    const full = await boot(before, 'full', { cpu: '150m', memory: '256Mi' });
    await vi.waitFor(() => expect(handedOver(before, 'full')).toBe(true));
    inject(before);
    createAgent(before);
    create(before, 'a');
    const cellId = await boot(before, 'a');
    await vi.waitFor(() => expect(before.book.podUids(cellId)).toContain('uid-agent-x'));
    await vi.waitFor(() => expect(handedOver(before, 'a')).toBe(true));
    tell(before, cellId, false);
    await vi.waitFor(() => expect(ready(before)).toBe('False'));
    before.stop.abort();
    const after = started(before);
    after.daemonSets.apply('ADDED', before.daemonSets.get('ns', 'agent') as never);
    expect([cellId, full].map((id) => after.book.knowsAgents(id))).toEqual([false, false]);
    after.report(cellId);
    after.report(full, { cpu: '150m', memory: '256Mi' });
    await vi.waitFor(() => expect([cellId, full].map((id) => after.book.knowsAgents(id))).toEqual([true, true]));
    expect(after.book.podUids(cellId)).toContain('uid-agent-x');
    expect(after.book.podUids(full)).toEqual(new Set(['uid-full']));
    expect(ready(after)).toBe('False');
  });

  test.each([
    ['has the same though the count would leave it out', true, true],
    ['has what fits, where its kubelet does not say what it has', false, false],
  ])(
    'finds a cell again that %s',
    async (_, answers, isSeated) => {
      const before = started();
      inject(before);
      createAgent(before);
      create(before, 'a');
      const cellId = await boot(before, 'a');
      await vi.waitFor(() => expect(handedOver(before, 'a')).toBe(true));
      await vi.waitFor(() => expect(before.book.podUids(cellId)).toContain('uid-agent-x'));
      before.stop.abort();
      const after = started(before);
      if (!answers) after.podUidsOn.mockRejectedValue(new Error('no answer'));
      after.daemonSets.apply('ADDED', before.daemonSets.get('ns', 'agent') as never);
      after.report(cellId, { cpu: '150m', memory: '1Gi' });
      await vi.waitFor(() => expect(after.book.knowsAgents(cellId)).toBe(true));
      expect(after.book.podUids(cellId).has('uid-agent-x')).toBe(isSeated);
      expect(after.podUidsOn).toHaveBeenCalledTimes(answers ? 1 : 2);
    },
    10_000,
  );
});
