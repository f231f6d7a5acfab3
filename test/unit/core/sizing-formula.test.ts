import type { V1Container, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { effectiveRequest } from '../../../src/core/sizing.ts';

/**
 * The formula stated again, as the sidecar KEP does: time goes by, at each moment some containers hold their requests, and
 * the pod's request is the most that is ever held. In whole thousandths throughout, so nothing here can round.
 */
interface Holding {
  readonly cpu?: number;
  readonly memory?: number;
  readonly gpu?: number;
}

interface Plan {
  readonly containers: readonly Holding[];
  readonly inits: readonly { readonly holds: Holding; readonly sidecar: boolean }[];
  readonly podLevel: { readonly cpu?: number; readonly memory?: number };
  readonly overhead: Holding;
  /** What the kubelet has given to the containers, in order; a resize is pending where it is another amount. */
  readonly given: readonly (Holding | undefined)[];
  readonly infeasible: boolean;
}

const KEYS = ['cpu', 'memory', 'gpu'] as const;
type Key = (typeof KEYS)[number];

function heldByContainer(plan: Plan, index: number, key: Key): number {
  const wanted = plan.containers[index]?.[key] ?? 0;
  const given = plan.given[index];
  if (given === undefined) return wanted;
  return plan.infeasible ? (given[key] ?? 0) : Math.max(wanted, given[key] ?? 0);
}

function independently(plan: Plan, key: Key): number {
  const moments: number[] = [];
  plan.inits.forEach((init, index) => {
    const before = plan.inits.slice(0, index).filter(({ sidecar }) => sidecar);
    moments.push([...before, init].reduce((sum, { holds }) => sum + (holds[key] ?? 0), 0));
  });
  const sidecars = plan.inits.filter(({ sidecar }) => sidecar).reduce((sum, { holds }) => sum + (holds[key] ?? 0), 0);
  const mains = plan.containers.reduce((sum, _, index) => sum + heldByContainer(plan, index, key), 0);
  moments.push(sidecars + mains);
  const peak = Math.max(...moments);
  const own = key === 'gpu' ? undefined : plan.podLevel[key];
  return (own ?? peak) + (plan.overhead[key] ?? 0);
}

function listOf({ cpu, memory, gpu }: Holding): Record<string, string> {
  return {
    ...(cpu === undefined ? {} : { cpu: `${cpu}m` }),
    ...(memory === undefined ? {} : { memory: `${memory}m` }),
    ...(gpu === undefined ? {} : { 'nvidia.com/gpu': String(gpu) }),
  };
}

function container(name: string, holds: Holding, more: Partial<V1Container> = {}): V1Container {
  return { name, resources: { requests: listOf(holds) }, ...more };
}

function podOf(plan: Plan): { spec: V1PodSpec; status: V1PodStatus } {
  const statuses = plan.given.flatMap((given, index) =>
    given === undefined ? [] : [{ name: `c${index}`, resources: { requests: listOf(given) } }],
  );
  const pending = { type: 'PodResizePending', status: 'True', reason: 'Infeasible' };
  return {
    spec: {
      containers: plan.containers.map((holds, index) => container(`c${index}`, holds)),
      initContainers: plan.inits.map(({ holds, sidecar }, index) =>
        container(`i${index}`, holds, sidecar ? { restartPolicy: 'Always' } : {}),
      ),
      resources: { requests: listOf(plan.podLevel) },
      overhead: listOf(plan.overhead),
    },
    status: { containerStatuses: statuses, conditions: plan.infeasible ? [pending] : [] } as unknown as V1PodStatus,
  };
}

const amount = fc.option(fc.nat({ max: 10_000_000 }), { nil: undefined });
const holding: fc.Arbitrary<Holding> = fc
  .record({ cpu: amount, memory: amount, gpu: fc.option(fc.nat({ max: 8 }), { nil: undefined }) })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));
const plans: fc.Arbitrary<Plan> = fc
  .record({
    containers: fc.array(holding, { minLength: 1, maxLength: 4 }),
    inits: fc.array(fc.record({ holds: holding, sidecar: fc.boolean() }), { maxLength: 5 }),
    podLevel: holding.map(({ cpu, memory }) => ({
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
    })),
    overhead: holding.map(({ gpu: _, ...rest }) => rest),
    infeasible: fc.boolean(),
  })
  .chain((plan) =>
    fc
      .array(fc.option(holding, { nil: undefined }), { maxLength: plan.containers.length })
      .map((given) => ({ ...plan, given })),
  );

describe('the effective request', () => {
  test('is the most that the pod ever holds at once, exactly', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const { cpuMilli, memoryBytes, extended } = effectiveRequest(podOf(plan));
        expect(cpuMilli).toBe(independently(plan, 'cpu'));
        expect(memoryBytes).toBe(Math.ceil(independently(plan, 'memory') / 1000));
        expect(extended['nvidia.com/gpu'] ?? 0).toBe(independently(plan, 'gpu'));
      }),
      { numRuns: 2_000 },
    );
  });

  test('does not depend on how its quantities are written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000 }), (milli) => {
        const forms = [`${milli}m`, `${milli}000u`, `${milli}e-3`, `${(milli / 1000).toFixed(3)}`, `${milli}000000n`];
        const sizes = forms.map((cpu) =>
          effectiveRequest({ spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } }),
        );
        for (const { cpuMilli } of sizes) expect(cpuMilli).toBe(milli);
      }),
    );
  });
});
