import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { nodeless, startNodeless } from '../support/nodeless.ts';
import { pod } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, trySend, get, apply } = tools;

interface Pod {
  readonly metadata: { readonly annotations?: Record<string, string> };
  readonly status: { readonly phase: string; readonly conditions?: readonly { type: string; reason?: string }[] };
}

interface Cell {
  readonly status?: { readonly pod: string; readonly instanceType: string };
}

function cellClass(name: string, spec: object): object {
  return { apiVersion: 'nodeless.io/v1alpha1', kind: 'CellClass', metadata: { name }, spec };
}

function ofClass(name: string): Record<string, unknown> {
  return { labels: { 'nodeless.io/cell-class': name } };
}

async function events(name: string): Promise<string> {
  const format = 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}';
  return kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', format);
}

async function typeOf(pod: string): Promise<string | undefined> {
  const { items } = await get<{ items: Cell[] }>('cells');
  return items.find(({ status }) => status?.pod === pod)?.status?.instanceType;
}

async function isReady(name: string, namespace = 'default'): Promise<void> {
  await kubectl('wait', `pod/${name}`, '-n', namespace, '--for=condition=Ready', '--timeout=90s');
}

async function waitsFor(name: string, reason: string): Promise<string> {
  const told = await eventually(`${name} is told ${reason}`, async () => {
    const text = await events(name);
    return text.includes(`${reason}: `) && text;
  });
  const { status } = await get<Pod>('pod', name);
  expect(status.phase).toBe('Pending');
  expect(status.conditions?.find(({ type }) => type === 'nodeless.io/CellReady')?.reason).toBe(reason);
  return told;
}

describe('a CellClass', () => {
  afterEach(async () => {
    await kubectl('delete', 'pods', '--all', '--wait', '--grace-period=1');
    await kubectl('delete', 'cellclasses', '--all', '--wait');
    await eventually('all cells have ended', async () => (await get<{ items: [] }>('cells')).items.length === 0);
  });

  afterAll(() => kubectl('delete', 'namespace', 'team', '--ignore-not-found', '--wait=false'));

  test.each([
    [{ launchTypes: { allowed: ['local'], preferred: ['simulated'] } }, 'prefers a type that is not allowed'],
    [{ namespaces: ['team'], default: true }, 'has namespaces, and is the default'],
    [{ namespaces: ['team*'] }, 'spec.namespaces[0]'],
    [{ launchTypes: { allowed: ['mainframe'] } }, 'spec.launchTypes.allowed[0]'],
    [{ instanceTypes: { include: ['m7g large'] } }, 'spec.instanceTypes.include[0]'],
    [{ image: { family: 'al2023', id: 'ami-0abcdef1234567890' } }, 'exactly one of family, id and ssmAlias'],
    [{ subnets: [{}] }, 'has either an id or tags'],
    [{ budgets: { maxCells: -1 } }, 'spec.budgets.maxCells'],
    [{ expireAfter: 'soon' }, 'spec.expireAfter'],
    [{ kubelet: { imageGCLowThresholdPercent: 90 } }, 'has an imageGCLowThresholdPercent'],
    [{ tags: { 'aws:x': 'y' } }, 'has a key that begins with aws'],
    [{ unknown: 1 }, 'unknown field "spec.unknown"'],
  ])('%j is refused by its definition', async (spec, message) => {
    const refused = await trySend(cellClass('wrong', spec), 'create', '-f', '-');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(message);
  });

  test('of the examples is taken', async () => {
    const examples = new URL('../../deploy/examples/cell-classes.yaml', import.meta.url).pathname;
    await kubectl('apply', '-f', examples);
    expect(await kubectl('get', 'cellclasses')).toMatch(/standard +true/);
  });

  test('of the pod, of its namespace, or the default one decides what its cell is, in that order', async () => {
    await apply(
      cellClass('usual', { default: true, instanceTypes: { include: ['local-0.5c-*'] } }),
      cellClass('of-team', { instanceTypes: { include: ['local-1c-*'] } }),
      cellClass('own', { instanceTypes: { exclude: ['local-0.25c-*', 'local-*c-0.25g'] } }),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team', ...ofClass('of-team') } },
    );
    await eventually('the service account', () => kubectl('get', '-n', 'team', 'serviceaccount', 'default'));
    const inTeam = { namespace: 'team' };
    await apply(
      pod('usual'),
      pod('member', { metadata: inTeam }),
      pod('own', { metadata: { ...inTeam, ...ofClass('own') } }),
    );
    await Promise.all([isReady('usual'), isReady('member', 'team'), isReady('own', 'team')]);
    expect(await typeOf('default/usual')).toBe('local-0.5c-0.25g');
    expect(await typeOf('team/member')).toBe('local-1c-0.25g');
    expect(await typeOf('team/own')).toBe('local-0.5c-0.5g');
    expect(await events('usual')).toContain('of CellClass usual');
    await kubectl('delete', 'pods', '-n', 'team', '--all', '--wait', '--grace-period=1');
  });

  test('whose budget is spent lets the next pod wait, told why, until a cell of the class ends', async () => {
    await apply(cellClass('single', { budgets: { maxCells: 1 } }), pod('first', { metadata: ofClass('single') }));
    await isReady('first');
    await apply(pod('second', { metadata: ofClass('single') }));
    expect(await waitsFor('second', 'BudgetExceeded')).toContain('has spent its budget of 1 cells');
    expect(await nodeless(tools, 'why', 'second')).toMatch(
      /waits, BudgetExceeded since .*: CellClass single has spent/,
    );
    const account = JSON.parse(await nodeless(tools, 'why', 'first', '-o', 'json')) as {
      choice: object;
      cell: object;
      stages: { phase: string }[];
    };
    expect(account).toMatchObject({
      choice: { attempt: 1, cellClass: 'single' },
      cell: { exists: true, phase: 'running' },
    });
    expect(account.stages.map(({ phase }) => phase)).toEqual(['requested', 'launching', 'booting', 'ready', 'running']);
    const input = JSON.stringify(pod('third', { metadata: ofClass('single') }));
    const planned = await startNodeless(tools.kubeconfig, ['plan', '-f', '-', '-o', 'json'], {
      input,
      timeoutMs: 30_000,
    });
    expect(planned.exitCode).toBe(1);
    expect(JSON.parse(planned.stdout)).toMatchObject([{ name: 'third', cells: 0, refused: 'BudgetExceeded' }]);
    await kubectl('delete', 'pod', 'first', '--wait', '--grace-period=1');
    await isReady('second');
  });

  test('lets no cell become older than it says: the pod is evicted', async () => {
    await apply(cellClass('brief', { expireAfter: '10s' }), pod('old', { metadata: ofClass('brief') }));
    await isReady('old');
    await eventually('the event', async () => (await events('old')).includes('CellExpired: '));
    await kubectl('wait', 'pod/old', '--for=delete', '--timeout=30s');
  });

  test('that does not exist is waited for', async () => {
    await apply(pod('early', { metadata: ofClass('later') }));
    expect(await waitsFor('early', 'NoCellClass')).toContain('which does not exist; create it');
    await apply(cellClass('later', {}));
    await isReady('early');
  });

  test('can not make a machine of another architecture than there is: a pod that asks for one is told at once', async () => {
    const spec = { nodeName: 'nodeless', nodeSelector: { 'kubernetes.io/arch': 'riscv64' } };
    await apply(pod('foreign', { spec }));
    const told = await waitsFor('foreign', 'NoOffering');
    expect(told).toMatch(
      /no offering fits 50m cpu, 64Mi and is kubernetes.io\/arch In riscv64: of all offerings \d+ not/,
    );
  });

  test('has no machine for a quantity that no machine has, and says so', async () => {
    const container = { resources: { requests: { memory: '7Ei' } } };
    await apply(pod('vast', { spec: { nodeName: 'nodeless' }, container }));
    expect(await waitsFor('vast', 'InvalidQuantity')).toContain('memory is asked for in more than any machine has');
  });
});
