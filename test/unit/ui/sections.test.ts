import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resourcesOf } from '../../../src/core/resources.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { healthOf } from '../../../src/ui/api-server-health.ts';
import { type ControlPlaneFacts, controlPlaneSection } from '../../../src/ui/control-plane-section.ts';
import { Decisions } from '../../../src/ui/decisions.ts';
import { nodesSection } from '../../../src/ui/nodes-section.ts';
import { poolsSection } from '../../../src/ui/pools-section.ts';
import { clip, MAX_ROWS, MAX_TEXT, type Section, sectionOf } from '../../../src/ui/section.ts';
import { waitingSection } from '../../../src/ui/waiting-section.ts';
import { workersSection } from '../../../src/ui/workers-section.ts';

const values = ({ rows }: Section) => rows.map((row) => row.values);
const tones = ({ rows }: Section) => rows.map(({ tone }) => tone);

function pod(
  name: string,
  more: { condition?: object; also?: string; owner?: string; createdAt?: string; phase?: string } = {},
): WirePod {
  const { condition, also, owner, createdAt = '2026-01-01T00:00:00Z', phase = 'Pending' } = more;
  const owners =
    owner === undefined
      ? {}
      : { ownerReferences: [{ kind: 'DaemonSet', name: owner, uid: 'd', controller: true, apiVersion: 'apps/v1' }] };
  const others = also === undefined ? [] : [{ type: also, status: 'True' }];
  const conditions = condition === undefined ? others : [...others, { type: 'nodeless.io/CellReady', ...condition }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, creationTimestamp: createdAt, ...owners },
    spec: { containers: [{ name: 'c' }] },
    status: { phase, conditions },
  } as unknown as WirePod;
}

describe('a text of the page', () => {
  test('is bounded and moves nothing around it, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint16Array({ maxLength: 400 }), (units) => {
        const shown = clip(String.fromCharCode(...units));
        expect(shown.length).toBeLessThanOrEqual(MAX_TEXT);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      }),
    );
  });

  test.each([
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['safe\u202Egnp.exe', 'safe gnp.exe'],
    ['two\nlines\tand\u0000more', 'two lines and more'],
    ['😀'.repeat(200), `${'😀'.repeat(149)}…`],
  ])('%j is shown as %j', (text, shown) => expect(clip(text)).toBe(shown));
});

test('a table has a bounded number of rows, and says how many it leaves out', () => {
  const rows = Array.from({ length: MAX_ROWS + 7 }, (_, at) => ({ values: [`row ${at}`, at] }));
  const section = sectionOf({ id: 'x', title: 'X', columns: [], empty: '' }, rows);
  expect([section.rows.length, section.left, section.rows[0]?.values]).toEqual([MAX_ROWS, 7, ['row 0', 0]]);
});

describe('the column of nodes', () => {
  test('has what is advertised, requested, and on machines, in units that people read', () => {
    const section = nodesSection({
      capacity: { cpu: '1024', memory: '4Ti', pods: '1000', 'nvidia.com/gpu': '10' },
      requested: { cpu: 1.25, memory: 2 ** 30, pods: 5 },
      machines: resourcesOf({ cpu: '3500m', memory: '6Gi', 'nvidia.com/gpu': '1' }),
      machineCount: 5,
    });
    expect(values(section)).toEqual([
      ['cpu', '1.25 of 1024', '3.5'],
      ['memory', '1 of 4096 GiB', '6 GiB'],
      ['pods', '5 of 1000', '5'],
      ['nvidia.com/gpu', '0 of 10', '1'],
    ]);
    expect(tones(section)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('marks what is used up', () => {
    const full = { capacity: { pods: '2' }, requested: { pods: 2 }, machines: resourcesOf({}), machineCount: 2 };
    expect(tones(nodesSection(full))).toEqual(['bad']);
  });
});

describe('the column of the control plane', () => {
  const FACTS: ControlPlaneFacts = {
    virtualNodes: [
      { name: 'n-a', ready: true, led: true },
      { name: 'n-b', ready: false, led: false },
    ],
    mayAct: true,
    provider: 'local',
    version: '0.1.0',
    kubelets: { served: 3, ready: 2 },
  };
  const health = (text: string) => ({ answers: true, version: 'v1.34.0', ...healthOf(text) });

  test('tells of the API server by its own checks, of etcd, of who leads and of the virtual nodes', () => {
    const apiServer = health('[+]ping ok\n[+]etcd ok\n[+]etcd-readiness ok\nreadyz check passed\n');
    expect(values(controlPlaneSection({ ...FACTS, apiServer }))).toEqual([
      ['API server', 'ready', 'v1.34.0, 3 checks pass'],
      ['etcd', 'ready', 'as the API server finds it'],
      ['Nodeless', 'leads', '0.1.0, provider local'],
      ['Node n-a', 'Ready', 'this virtual node'],
      ['Node n-b', 'not Ready', 'of another zone'],
      ['Cell API', 'serves', '2 of 3 kubelets Ready'],
    ]);
  });

  test.each([
    ['is not asked yet', undefined, 'not asked yet', '', 'waiting'],
    [
      'does not answer',
      { answers: false, passed: 0, failed: [], reason: 'refused' },
      'does not answer',
      'refused',
      'bad',
    ],
    [
      'is not ready',
      health('[+]ping ok\n[-]etcd failed: reason withheld\n'),
      'not ready',
      'v1.34.0, fails: etcd',
      'bad',
    ],
    [
      'tells nothing',
      { answers: true, passed: 0, failed: [], reason: 'it does not say' },
      'ready',
      ', it does not say',
      'good',
    ],
  ] as const)('says of an API server that %s so', (_, apiServer, state, what, tone) => {
    const section = controlPlaneSection({ ...FACTS, ...(apiServer === undefined ? {} : { apiServer }) });
    expect([values(section)[0], tones(section)[0]]).toEqual([['API server', state, what], tone]);
  });

  test('says when the leader may not act', () => {
    const section = controlPlaneSection({ ...FACTS, mayAct: false });
    expect(values(section)[1]?.[1]).toBe('can not renew its lease');
    expect(tones(section)[1]).toBe('bad');
  });
});

describe('the column of the worker node', () => {
  test('has what a worker node would run, and what became of it; not what is on cells', () => {
    const absorbed = { reason: 'Absorbed', status: 'False', message: 'DaemonSet proxy is absorbed' };
    const pods = [
      pod('web', { condition: { status: 'True' }, phase: 'Running' }),
      pod('proxy-x', { owner: 'proxy', condition: absorbed, also: 'ContainersReady' }),
      pod('agent-x', {
        owner: 'agent',
        condition: { reason: 'Injected', status: 'True', message: 'an agent, Ready on 3 of 3 cells' },
      }),
      pod('db', { phase: 'Running' }),
    ];
    const section = workersSection(pods, (uid) => uid === 'uid-db');
    expect(values(section)).toEqual([
      ['ns/agent', 'agent', 'an agent, Ready on 3 of 3 cells'],
      ['ns/db', 'node cell', 'Running'],
      ['ns/proxy', 'absorbed', 'reported Ready, runs nowhere'],
    ]);
  });
});

describe('the warm pools', () => {
  const pool = (name: string, status?: object) => ({ metadata: { name }, ...(status === undefined ? {} : { status }) });
  const kept = { sla: '5 s p95', achieved: '1.2 s', hitRate: '97%', ready: 3, desired: 3, pricePerHourUsd: '0.0423' };

  test('have their SLA, what came of it and their price, as their statuses say', () => {
    const section = poolsSection([
      pool('web', { ...kept, why: 'bursts of 3', conditions: [{ type: 'SlaMet', status: 'True' }] }),
      pool('new'),
      pool('poor', {
        ...{ ...kept, ready: 0, why: 'x' },
        conditions: [{ type: 'Degraded', status: 'True', message: 'pods may start cold: no capacity' }],
      }),
    ]);
    expect(values(section)).toEqual([
      ['new', '–', '–', '–', '– of –', '–', '–'],
      ['poor', '5 s p95', '1.2 s', '97%', '0 of 3', '0.0423', 'pods may start cold: no capacity'],
      ['web', '5 s p95', '1.2 s', '97%', '3 of 3', '0.0423', 'bursts of 3'],
    ]);
    expect(tones(section)).toEqual([undefined, 'bad', 'good']);
  });

  test('are told of whatever somebody wrote into their statuses', () => {
    const odd = { sla: { a: 1 }, why: ['x'], conditions: 'none', ready: null };
    expect(values(poolsSection([pool('odd', odd)]))).toEqual([['odd', '–', '–', '–', '– of –', '–', '–']]);
  });
});

describe('the pods that wait', () => {
  test('are told with why, the oldest first; those on cells are not', () => {
    const told = { status: 'False', reason: 'NoOffering', message: 'nothing is large enough' };
    const section = waitingSection([
      pod('starting', { createdAt: '2026-01-01T00:00:02Z' }),
      pod('stuck', { condition: told, createdAt: '2026-01-01T00:00:01Z' }),
      pod('runs', { condition: { status: 'True' } }),
    ]);
    const atMs = Date.parse('2026-01-01T00:00:01Z');
    expect(values(section)).toEqual([
      ['ns/stuck', atMs, 'NoOffering', 'nothing is large enough'],
      ['ns/starting', atMs + 1_000, 'Starting', 'its cell is on its way'],
    ]);
    expect(tones(section)).toEqual(['bad', 'waiting']);
  });
});

test('decisions are kept up to a number, the newest first, and each is told of', () => {
  const decisions = new Decisions();
  let told = 0;
  const end = decisions.onChange(() => {
    told += 1;
  });
  for (let at = 0; at < 200; at += 1) {
    const message = 'x'.repeat(10_000);
    decisions.add({
      object: `ns/p-${at}`,
      atMs: at,
      type: at === 199 ? 'Warning' : 'Normal',
      reason: 'CellRequested',
      message,
    });
  }
  end();
  decisions.add({ object: 'ns/last', atMs: 200, type: 'Normal', reason: 'CellReady', message: 'ready' });
  const section = decisions.section();
  expect([told, section.rows.length, section.left]).toEqual([200, MAX_ROWS, 0]);
  expect(values(section)[0]).toEqual(['ns/last', 200, 'CellReady', 'ready']);
  expect(tones(section)[1]).toBe('bad');
  expect(JSON.stringify(section).length).toBeLessThan(MAX_ROWS * (MAX_TEXT + 200));
});
