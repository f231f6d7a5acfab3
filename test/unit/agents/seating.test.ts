import { describe, expect, test, vi } from 'vitest';
import { AgentSeating } from '../../../src/agents/seating.ts';
import { sightOf } from '../../../src/agents/sight.ts';
import { Book } from '../../../src/cells/book.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { NOTHING } from '../../../src/core/resources.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { NodePods } from '../../../src/pods/node-pods.ts';

const CELLS = 100;
const AGENTS = 5;

/** A pod of a DaemonSet `ds-NAME` that has been made an agent; `onRead` is called when its requests are counted. */
function agentPod(name: string, createdAt: string, onRead: () => void = () => undefined): WirePod {
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: `ds-${name}`, controller: true };
  const metadata = {
    ...{ name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: '1', ownerReferences: [owner] },
    creationTimestamp: createdAt as never,
  };
  const containers = [{ name: 'c', resources: { requests: { cpu: '10m', memory: '8Mi' } } }];
  const conditions = [{ type: 'nodeless.io/CellReady', status: 'False', reason: 'Injected' }];
  const spec = Object.defineProperty({ containers }, 'containers', {
    get() {
      onRead();
      return containers;
    },
  });
  return { metadata, spec, status: { conditions } } as WirePod;
}

/** Cells that are Ready, and agents for each of them. */
function seating(onRead: () => void) {
  const book = new Book(systemClock);
  const pods = new NodePods();
  for (let index = 0; index < AGENTS; index += 1)
    pods.observe(agentPod(`agent-${index}`, `2026-01-0${index + 1}`, onRead));
  for (let index = 0; index < CELLS; index += 1) {
    const cellId = `cell-${index}`;
    book.add({ cellId, podUid: `uid-${index}`, pod: `ns/p-${index}` }, 'ready');
    book.nodeStatus(cellId, {
      status: {
        allocatable: { cpu: '1', memory: '1Gi', pods: '110' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
  }
  const set = { namespace: 'ns', name: 'agent-0', uid: 'ds-agent-0', required: true, request: NOTHING };
  const sets = { all: vi.fn(() => [set]) };
  const made = new AgentSeating({
    ...{ book, pods, sets: sets as never, events: { warning: vi.fn() }, placeOf: () => 'every-cell' },
    demands: { need: () => NOTHING, classAgents: () => NOTHING },
    recall: { podsOf: () => 'silent' },
  });
  return { book, sets, made };
}

describe('a look at all cells', () => {
  test('counts what each agent requests once, and asks once which are required', () => {
    const onRead = vi.fn();
    const { book, sets, made } = seating(onRead);
    const sight = made.sight();
    for (const cell of book.cells()) made.look(cell, sight);
    expect([...book.cells()].map(({ agents }) => agents.size)).toEqual(Array(CELLS).fill(AGENTS));
    expect(sets.all).toHaveBeenCalledTimes(1);
    const readsOfOneCount = 4;
    expect(onRead.mock.calls.length).toBeLessThanOrEqual(AGENTS * readsOfOneCount);
  });
});

describe('places', () => {
  test('go to required agents first, then to older ones', () => {
    const pods = [agentPod('young', '2026-02-01'), agentPod('old', '2026-01-01'), agentPod('needed', '2026-03-01')];
    const { agents, required } = sightOf(pods, [{ uid: 'ds-needed' }]);
    expect(agents.map(({ metadata }) => metadata.name)).toEqual(['needed', 'old', 'young']);
    expect([...required]).toEqual(['uid-needed']);
  });
});
