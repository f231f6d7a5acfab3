import { describe, expect, test } from 'vitest';
import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import { objectsOf } from '../../../src/cli/plan/documents.ts';
import { readFacts } from '../../../src/cli/plan/facts.ts';
import { planAll } from '../../../src/cli/plan/plan.ts';
import { planText } from '../../../src/cli/plan/plan-text.ts';
import { plannedAgents } from '../../../src/cli/plan/planned-agents.ts';
import { routerOf } from '../../../src/cli/plan/router.ts';
import { workloadOf } from '../../../src/cli/plan/workloads.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { NetworkPolicyIndex } from '../../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { CellClasses } from '../../../src/placement/cell-classes.ts';
import { Placement } from '../../../src/placement/placement.ts';

const { signal } = new AbortController();
const SPEC = '{containers: [{name: c, resources: {requests: {cpu: 600m, memory: 700Mi}}}]}';

async function plansOf(yaml: string, zones: readonly string[] = []) {
  const config = parseConfig({ virtualNode: { address: '127.0.0.1' }, zones: { names: zones } }, 'a test');
  const facts = await readFacts(objectsOf(yaml, 'x.yaml'), undefined, 'default');
  const classes = new CellClasses(facts);
  const agents = plannedAgents(config, facts);
  const placement = new Placement({
    provider: { offerings: async () => simulatedOfferings(zones.length === 0 ? ['a'] : zones) },
    classes,
    daemonSets: facts.daemonSets,
    injected: () => agents.all(),
    policies: new NetworkPolicyIndex(facts.networkPolicies),
    clock: systemClock,
    defaultSize: resourcesOf({ cpu: '250m', memory: '256Mi' }),
    csiDrivers: [],
    arch: 'amd64',
  });
  const nodeCell = { size: config.cells.nodeCell.size, isCounted: false };
  const { namespaces: agentNamespaces } = config.cells.agents;
  const router = routerOf(config, facts, classes);
  const planner = { placement, facts, agentNamespaces, nodeCell, hasZones: zones.length > 0, router };
  const workloads = objectsOf(yaml, 'x.yaml').flatMap((object) => workloadOf(object, 'default') ?? []);
  return planAll(workloads, planner, signal);
}

describe('a plan', () => {
  test('says for each workload what it gets, what it costs and why, the file’s own classes counting', async () => {
    const [web, cron] = await plansOf(`
kind: Deployment
metadata: {name: web}
spec: {replicas: 3, template: {metadata: {labels: {nodeless.io/cell-class: two}}, spec: ${SPEC}}}
---
kind: CellClass
metadata: {name: two}
spec: {budgets: {maxCells: 2}, instanceTypes: {exclude: ["*-2g"]}}
---
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c}]}}}}}
`);
    expect(web).toMatchObject({
      cells: 2,
      placed: 2,
      replicas: 3,
      refused: 'BudgetExceeded',
      request: { cpu: '600m', memory: '700Mi' },
    });
    expect(web?.explanation?.chosen?.instanceType).toBe('simulated-1c-4g');
    expect(web?.explanation?.exclusions).toContainEqual(expect.objectContaining({ reason: 'InstanceType', count: 3 }));
    expect(web?.pricePerHourUsd).toBeCloseTo(2 * 0.05826, 5);
    expect(cron).toMatchObject({
      cells: 1,
      request: { cpu: '0', memory: '0' },
      explanation: { need: { cpu: '250m' } },
    });
    expect(cron).not.toHaveProperty('refused');
  });

  test('says of what has no cell of its own where it goes, or why it can not', async () => {
    const plans = await plansOf(`
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {template: {spec: ${SPEC}}}}
---
kind: DaemonSet
metadata: {name: proxy, annotations: {nodeless.io/daemonset-policy: node-cell}}
spec: {template: {spec: ${SPEC}}}
---
kind: StatefulSet
metadata: {name: db}
spec: {volumeClaimTemplates: [{metadata: {name: data}}], template: {spec: ${SPEC}}}
---
{kind: Pod, metadata: {name: vast}, spec: {containers: [{name: c, resources: {requests: {memory: 9Ei}}}]}}
---
{kind: Pod, metadata: {name: lost, labels: {nodeless.io/cell-class: none}}, spec: ${SPEC}}
`);
    expect(plans.map(({ place, refused }) => [place, refused])).toEqual([
      ['absorbed', undefined],
      ['node-cell', undefined],
      ['regular-node', undefined],
      ['cell', 'InvalidQuantity'],
      ['cell', 'NoCellClass'],
    ]);
    expect(plans[2]?.decision).toBe('leave: persistent-volume: spec.volumes "data"');
  });

  describe('of pods that must be on one machine', () => {
    const near = (app: string) =>
      `affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: ${app}}}}]}}`;
    const deployment = (name: string, replicas: number, affinity = '', cpu = '600m') =>
      `kind: Deployment\nmetadata: {name: ${name}}\nspec: {replicas: ${replicas}, template: {metadata: {labels: {app: ${name}}}, spec: {${affinity}${affinity && ', '}containers: [{name: c, resources: {requests: {cpu: ${cpu}}}}]}}}`;

    test('counts one cell for all of them, of their common size', async () => {
      const [ring, plain] = await plansOf(`${deployment('ring', 3, near('ring'))}\n---\n${deployment('plain', 3)}`);
      expect(ring).toMatchObject({ cells: 1, placed: 3, replicas: 3, explanation: { need: { cpu: '1800m' } } });
      expect(ring?.why).toMatch(/fits 1800m cpu.*, for 3 pods that must be on one machine$/);
      expect(ring?.explanation?.chosen?.pricePerHourUsd).toBe(ring?.pricePerHourUsd);
      expect(ring).not.toHaveProperty('refused');
      expect(plain).toMatchObject({ cells: 3, explanation: { need: { cpu: '600m' } } });
    });

    test('puts them with the workload that they need, whichever is first in the file', async () => {
      const [cache, web] = await plansOf(`${deployment('cache', 2, near('web'))}\n---\n${deployment('web', 2)}`);
      expect(cache).toMatchObject({ cells: 0, placed: 2, pricePerHourUsd: 0 });
      expect(cache?.why).toMatch(/its pods share the cells of others/);
      expect(web).toMatchObject({ cells: 2, explanation: { need: { cpu: '1800m' } } });
    });

    test('says of those for which no machine is large enough, or whose mates are not there, that they wait', async () => {
      const [vast, lone] = await plansOf(
        `${deployment('vast', 4, near('vast'), '7')}\n---\n${deployment('lone', 1, near('nobody'))}`,
      );
      expect(vast).toMatchObject({ cells: 1, refused: 'NoRoom' });
      expect(vast?.why).toMatch(/has no room for it/);
      expect(lone).toMatchObject({ cells: 0, refused: 'NoRoom' });
      expect(lone?.why).toMatch(/none of the pods .* is planned here/);
    });
  });

  test('counts the node cell once, at its price', async () => {
    const agent = (name: string) => `
kind: DaemonSet
metadata: {name: ${name}, annotations: {nodeless.io/daemonset-policy: node-cell}}
spec: {template: {spec: ${SPEC}}}`;
    const [first, second] = await plansOf(`${agent('a')}\n---\n${agent('b')}`);
    expect(first).toMatchObject({ place: 'node-cell', cells: 1, pricePerHourUsd: expect.closeTo(0.0494, 4) });
    expect(first?.why).toMatch(/it runs on the node cell, .*: simulated-/);
    expect(second).toMatchObject({ place: 'node-cell', cells: 0, pricePerHourUsd: 0 });
  });

  test('is of the pod as routing makes it: what is lifted constrains its machine, and a policy keeps it off', async () => {
    const [arm, guarded] = await plansOf(`
kind: Pod
metadata: {name: arm}
spec: {nodeSelector: {kubernetes.io/arch: arm64}, containers: [{name: c}]}
---
{kind: Pod, metadata: {name: guarded, labels: {app: db}}, spec: ${SPEC}}
---
{kind: NetworkPolicy, metadata: {name: only-db}, spec: {podSelector: {matchLabels: {app: db}}}}
`);
    expect(arm).toMatchObject({ decision: 'cell: stateless', refused: 'NoOffering' });
    expect(arm?.explanation?.constraints).toEqual(['kubernetes.io/arch In arm64']);
    expect(guarded).toMatchObject({ place: 'regular-node', decision: 'leave: networkpolicy: only-db', cells: 0 });
  });

  test('is none of a pod that asks for a cell and that admission refuses, with the words of the webhook', async () => {
    const plans = await plansOf(`
{kind: Pod, metadata: {name: a, labels: {nodeless.io/placement: cell}}, spec: {containers: [{name: c}], volumes: [{name: data, persistentVolumeClaim: {claimName: x}}]}}
---
{kind: Pod, metadata: {name: b, labels: {nodeless.io/placement: cell, nodeless.io/cell-class: none}}, spec: ${SPEC}}
---
{kind: Pod, metadata: {name: c, labels: {nodeless.io/placement: cell}}, spec: ${SPEC}}
---
{kind: Pod, metadata: {name: d, labels: {nodeless.io/placement: cell}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c}]}}
---
{kind: Pod, metadata: {name: e, labels: {nodeless.io/placement: cell, app: db}}, spec: ${SPEC}}
---
{kind: NetworkPolicy, metadata: {name: only-db}, spec: {podSelector: {matchLabels: {app: db}}}}
`);
    expect(plans.map(({ place, refused }) => [place, refused])).toEqual([
      ['refused', 'Refused'],
      ['refused', 'Refused'],
      ['cell', undefined],
      ['refused', 'Refused'],
      ['refused', 'Refused'],
    ]);
    expect(plans[3]?.why).toContain('spec.nodeSelector "disk" keeps the pod off the virtual node');
    expect(plans[4]?.why).toContain('only-db is a NetworkPolicy that selects the pod');
    expect(plans[0]?.why).toContain('spec.volumes "data" is a persistent volume');
    expect(plans[1]?.why).toContain('CellClass none');
  });

  test('counts those who have a place, those who wait, and says what the first of these waits for', async () => {
    const plans = await plansOf(`
{kind: CellClass, metadata: {name: tight}, spec: {budgets: {maxCells: 2}}}
---
kind: Deployment
metadata: {name: web}
spec: {replicas: 5, template: {metadata: {labels: {nodeless.io/cell-class: tight}}, spec: ${SPEC}}}
`);
    expect(plans).toMatchObject([{ placed: 2, cells: 2, replicas: 5, refused: 'BudgetExceeded' }]);
    expect(planText(plans)).toMatch(/^Deployment default\/web +2\/5 +2 .* 3 of 5 wait: BudgetExceeded$/m);
  });

  test('says of a policy or a placement that nothing follows that it is not followed', async () => {
    const plans = await plansOf(`
kind: DaemonSet
metadata: {name: agent, annotations: {nodeless.io/daemonset-policy: nodecell}}
spec: {template: {spec: ${SPEC}}}
---
{kind: Pod, metadata: {name: x, labels: {nodeless.io/placement: cells}}, spec: ${SPEC}}
`);
    expect(plans.map(({ warnings: [warning] }) => warning)).toEqual([
      'annotation nodeless.io/daemonset-policy: "nodecell" is not followed; it is one of absorb, node-cell, inject',
      'label nodeless.io/placement: "cells" is not followed; it is one of cell, node, ignore',
    ]);
    expect(planText(plans)).toContain('  warning: annotation nodeless.io/daemonset-policy');
  });

  test('says of a field that Kubernetes has not that it does not count, where it is', async () => {
    const [plan] = await plansOf(`
kind: Deployment
metadata: {name: web, annotations: {any: thing}}
spec: {replica: 3, template: {spec: {containers: [{name: c, resource: {requests: {cpu: 1}}, ports: [{port: 80}]}]}}}
`);
    expect(plan?.warnings).toEqual([
      'Deployment has no field spec.replica; it does not count',
      'Deployment has no field spec.template.spec.containers[0].resource; it does not count',
      'Deployment has no field spec.template.spec.containers[0].ports[0].port; it does not count',
    ]);
  });

  test('is of no more pods than can be planned in a moment', async () => {
    const of = (replicas: number) =>
      plansOf(`{kind: Deployment, metadata: {name: x}, spec: {replicas: ${replicas}, template: {spec: ${SPEC}}}}`);
    await expect(of(100_000_000)).rejects.toThrow(
      'Deployment x has replicas 100000000, which is a whole number, 0 to 20000',
    );
  });

  test('gives what is left untouched and selects the virtual node itself a cell; what is kept from it is told that no node takes it', async () => {
    const selecting = (name: string, placement: string, more = '') =>
      `{kind: Pod, metadata: {name: ${name}, labels: {nodeless.io/placement: ${placement}}}, spec: {nodeSelector: {type: virtual-kubelet}, ${more} containers: [{name: c}]}}`;
    const bears = 'tolerations: [{operator: Exists}],';
    const pods = [selecting('a', 'ignore', bears), selecting('b', 'ignore'), selecting('c', 'node', bears)];
    const plans = await plansOf(pods.join('\n---\n'));
    const stranded = [
      'it selects the virtual node, which it is kept from: no node is left for it, and it stays Pending',
    ];
    expect(plans.map(({ place, cells, warnings }) => [place, cells, warnings])).toEqual([
      ['cell', 1, []],
      ['regular-node', 0, stranded],
      ['regular-node', 0, stranded],
    ]);
  });

  test('gives what names the virtual node itself a cell, whatever routing would say', async () => {
    const bound = (node: string, name: string) =>
      `{kind: Pod, metadata: {name: ${name}, labels: {nodeless.io/placement: ignore}}, spec: {nodeName: ${node}, containers: [{name: c}]}}`;
    const plans = await plansOf(`${bound('nodeless', 'here')}\n---\n${bound('other', 'there')}`);
    expect(plans.map(({ place, cells }) => [place, cells])).toEqual([
      ['cell', 1],
      ['regular-node', 0],
    ]);
  });

  test('is told to people with a total, the candidates and what was left out', async () => {
    const text = planText(
      await plansOf(`{kind: Deployment, metadata: {name: web}, spec: {replicas: 2, template: {spec: ${SPEC}}}}`),
    );
    expect(text).toMatch(/^WORKLOAD +PODS +CELLS +CLASS +OFFERING +HOW +USD\/H\n/);
    expect(text).toMatch(/^Deployment default\/web +2\/2 +2 /m);
    expect(text).toContain('2 cells, $0.0987/h');
    expect(text).toMatch(/\n {2}\* {2}simulated-1c-2g .*\n {5}simulated-1c-4g /);
    expect(text).toContain('  left out: 6 too small');
    expect(text).toContain(
      'simulated-1c-2g (1 cpu, 2Gi, $0.0494/h) is the cheapest offering that fits 600m cpu, 700Mi',
    );
  });

  test('counts a namespace of the file, and DaemonSets that its class makes room for', async () => {
    const objects: readonly KubeObject[] = objectsOf(
      `
{kind: Namespace, metadata: {name: team, labels: {nodeless.io/cell-class: agents}}}
---
kind: CellClass
metadata: {name: agents}
spec: {agents: [{namespace: default, daemonSet: agent}]}
---
{kind: DaemonSet, metadata: {name: agent}, spec: {template: {spec: ${SPEC}}}}
`,
      'x.yaml',
    );
    const { namespaces, daemonSets, classes } = await readFacts(objects, undefined, 'default');
    expect(namespaces.get(undefined, 'team')?.metadata.labels).toEqual({ 'nodeless.io/cell-class': 'agents' });
    expect(daemonSets.get('default', 'agent')).toBeDefined();
    expect([...classes.items()]).toHaveLength(1);
  });

  test('with a virtual node for each zone says which zones the scheduler may choose', async () => {
    const deployment = (spec: string) =>
      `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {spec: ${spec}}}}`;
    const [anywhere] = await plansOf(deployment(SPEC), ['a', 'b']);
    expect(anywhere).toMatchObject({ place: 'cell', zones: ['a', 'b'] });
    expect(planText(anywhere === undefined ? [] : [anywhere])).toContain('simulated, a or b');
    expect(planText(await plansOf(`{kind: Pod, metadata: {name: x}, spec: ${SPEC}}`))).toContain('\n1 cell, $');
    const there = SPEC.replace('{', '{nodeSelector: {topology.kubernetes.io/zone: b}, ');
    expect(await plansOf(deployment(there), ['a', 'b'])).toMatchObject([{ place: 'cell', zones: ['b'] }]);
    const nowhere = SPEC.replace('{', '{nodeSelector: {topology.kubernetes.io/zone: c}, ');
    expect(await plansOf(deployment(nowhere), ['a', 'b'])).toMatchObject([{ place: 'regular-node' }]);
  });
});
