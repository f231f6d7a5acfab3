import { randomBytes } from 'node:crypto';
import type { CellMachine } from '../../src/core/cell.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { type ErrorCode, NodelessError } from '../../src/core/errors.ts';
import type { Offering } from '../../src/core/offerings.ts';
import { drawLatency, type Latency, seededRandom } from '../../src/core/seeded-random.ts';
import type { Attestation, BootstrapEvidence, Claimant, LaunchRequest } from '../contract.ts';
import { type Connections, connectionsTo } from './connections.ts';
import { runSimulatedKubelet, type SimulatedKubelet } from './kubelet.ts';
import { SIMULATED, simulatedOfferings } from './offerings.ts';

export interface SimulatedCloudOptions {
  readonly offerings?: readonly Offering[];
  /** From a launch call to the first request of the machine's kubelet. */
  readonly launchLatency?: Latency;
  /** From a pod's arrival at its kubelet to Ready, and from its deletion to its end. */
  readonly podStartLatency?: Latency;
  readonly podStopLatency?: Latency;
  /** Which share of launches fails, and how. After AmbiguousOutcome the machine exists all the same. */
  readonly failure?: { readonly rate: number; readonly code: ErrorCode };
  /** Zones without capacity, until `exhaust` says otherwise. */
  readonly exhaustedZones?: readonly string[];
  /** Interruptions per machine and hour: exponential lifetimes. */
  readonly interruptionsPerHour?: number;
  readonly seed?: number;
  readonly clock?: Clock;
  /** What runs on each machine. */
  readonly kubelet?: SimulatedKubelet;
}

interface Machine {
  description: CellMachine;
  readonly token: string;
  readonly life: AbortController;
  state: CellMachine['state'];
  reason?: string;
  firstKey?: string;
  done: Promise<void>;
}

/** A cloud in this process' memory. It outlives the providers over it, and ends with `close`. */
export interface SimulatedCloud {
  readonly clock: Clock;
  readonly offerings: readonly Offering[];
  launch(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine>;
  terminate(cellId: string): Promise<void>;
  claim(cellId: string, by: Claimant): CellMachine;
  list(): readonly CellMachine[];
  attest(evidence: BootstrapEvidence): Attestation;
  /** From now on these zones, and no others, have no capacity. */
  exhaust(zones: readonly string[]): void;
  /** Ends a machine as a cloud does by itself, such as a spot interruption. */
  interrupt(cellId: string, reason: string): void;
  /** The token that the machine bootstraps with, for tests. */
  tokenOf(cellId: string): string | undefined;
  close(): Promise<void>;
}

const CELL_RANGE_START = 10 * 2 ** 24 + 200 * 2 ** 16 + 16;
const POD_RANGE_START = 10 * 2 ** 24 + 244 * 2 ** 16 + 2;
const RANGE_SIZE = 2 ** 16 - 32;
const BOOTSTRAP_CONNECTIONS = 8;
const HOUR_MS = 3_600_000;

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** Addresses of a /16, one after the other, from its beginning again after 65,000. */
function counter(start: number): () => string {
  let next = 0;
  return () => dotted(start + (next++ % RANGE_SIZE));
}

/** Makes an empty cloud. With the same seed and the same calls it behaves the same. */
export function createSimulatedCloud(options: SimulatedCloudOptions = {}): SimulatedCloud {
  const clock = options.clock ?? systemClock;
  const runKubelet = options.kubelet ?? runSimulatedKubelet;
  const random = seededRandom(options.seed ?? 1);
  const latency = (of: Latency | undefined, otherwise: Latency) => () => drawLatency(of ?? otherwise, random);
  const launchMs = latency(options.launchLatency, { p50Ms: 0, p95Ms: 0 });
  const podStartMs = latency(options.podStartLatency, { p50Ms: 500, p95Ms: 1500 });
  const podStopMs = latency(options.podStopLatency, { p50Ms: 50, p95Ms: 200 });
  const newAddress = counter(CELL_RANGE_START);
  const newPodIp = counter(POD_RANGE_START);
  const machines = new Map<string, Machine>();
  let exhausted = new Set(options.exhaustedZones ?? []);
  /** By the cell API that they lead to; few, so kept until the cloud is closed. */
  const bootstraps = new Map<string, Connections>();

  function bootstrapConnections(server: string, ca: string): Connections {
    const key = `${server} ${ca}`;
    const connections = bootstraps.get(key) ?? connectionsTo(server, { ca }, BOOTSTRAP_CONNECTIONS);
    bootstraps.set(key, connections);
    return connections;
  }

  function describe({ description, state, reason }: Machine): CellMachine {
    return { ...description, state, ...(reason === undefined ? {} : { reason }) };
  }

  function ended(machine: Machine, reason: string): void {
    if (machine.state === 'ended') return;
    machine.state = 'ended';
    machine.reason = reason;
    machine.life.abort();
  }

  async function live(machine: Machine, request: LaunchRequest): Promise<void> {
    const { signal } = machine.life;
    await clock.sleep(launchMs(), signal);
    machine.state = 'running';
    const { cellApiUrl, caPem, nodeName } = request.bootstrap;
    const { arch, allocatable, capacity } = request.offering;
    const address = machine.description.addresses[0] ?? '';
    const connections = bootstrapConnections(cellApiUrl, caPem);
    const behaviour = { podStartMs, podStopMs, newPodIp, clock, random, bootstrapConnections: connections };
    const kubelet = { cellApiUrl, caPem, nodeName, token: machine.token, address, arch, allocatable, capacity };
    await Promise.all([runKubelet({ ...kubelet, ...behaviour }, signal), interruptLater(machine)]);
  }

  async function interruptLater(machine: Machine): Promise<void> {
    const rate = options.interruptionsPerHour ?? 0;
    if (rate <= 0) return;
    await clock.sleep((-Math.log(1 - random()) / rate) * HOUR_MS, machine.life.signal);
    ended(machine, 'interrupted by the simulated cloud');
  }

  function create(request: LaunchRequest): Machine {
    const { tags, offering } = request;
    const machine: Machine = {
      token: `${tags.cellId}.${randomBytes(32).toString('hex')}`,
      life: new AbortController(),
      state: 'launching',
      done: Promise.resolve(),
      description: {
        tags,
        instanceType: offering.instanceType,
        launchType: offering.launchType,
        zone: offering.zone,
        arch: offering.arch,
        pricePerHourUsd: offering.pricePerHourUsd,
        allocatable: offering.allocatable,
        addresses: [newAddress()],
        createdAtMs: clock.now(),
        state: 'launching',
      },
    };
    machines.set(tags.cellId, machine);
    machine.done = live(machine, request).catch((error) => {
      if (!machine.life.signal.aborted) ended(machine, error instanceof Error ? error.message : String(error));
    });
    return machine;
  }

  function checkOffering({ offering, tags }: LaunchRequest): void {
    if (exhausted.has(offering.zone)) {
      const message = `the simulated zone ${offering.zone} has no capacity`;
      throw new NodelessError({ code: 'InsufficientCapacity', retryable: true, message });
    }
    if (offering.launchType === SIMULATED) return;
    throw new NodelessError({
      code: 'InvalidConfig',
      message: `the simulated cloud has no ${offering.launchType} machines`,
      identity: { cell: tags.cellId, offering: offering.instanceType },
    });
  }

  return {
    clock,
    offerings: options.offerings ?? simulatedOfferings(['simulated-a']),
    async launch(request, signal) {
      signal.throwIfAborted();
      const { cellId } = request.tags;
      const known = machines.get(cellId);
      if (known !== undefined) return describe(known);
      checkOffering(request);
      const { rate, code } = options.failure ?? { rate: 0, code: 'InsufficientCapacity' as const };
      const fails = rate > 0 && random() < rate;
      const machine = fails && code !== 'AmbiguousOutcome' ? undefined : create(request);
      if (machine !== undefined && !fails) return describe(machine);
      throw new NodelessError({
        code,
        retryable: true,
        message: `the simulated cloud failed the launch of cell ${cellId}, as it was told to`,
        identity: { cell: cellId, offering: request.offering.instanceType },
      });
    },
    async terminate(cellId) {
      const machine = machines.get(cellId);
      if (machine === undefined) return;
      if (machine.state !== 'ended') machine.state = 'ending';
      machine.life.abort();
      await machine.done;
      if (machines.get(cellId) === machine) machines.delete(cellId);
    },
    claim(cellId, { pod, podUid }) {
      const machine = machines.get(cellId);
      if (machine === undefined || machine.state === 'ending' || machine.state === 'ended') {
        const message = `there is no cell ${cellId} that could be claimed`;
        throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
      }
      const { tags } = machine.description;
      const isFree = tags.pool !== undefined && tags.podUid === '';
      if (!isFree && tags.podUid !== podUid) {
        const message = `cell ${cellId} is another pod's than ${pod}`;
        throw new NodelessError({ code: 'Denied', message, identity: { cell: cellId, pod } });
      }
      if (isFree) machine.description = { ...machine.description, tags: { ...tags, pod, podUid } };
      return describe(machine);
    },
    list: () => [...machines.values()].map(describe),
    attest({ token, keyFingerprint }) {
      const cellId = token.slice(0, Math.max(0, token.lastIndexOf('.')));
      const machine = machines.get(cellId);
      if (machine === undefined || machine.token !== token) return { outcome: 'unknown' };
      machine.firstKey ??= keyFingerprint;
      return { outcome: machine.firstKey === keyFingerprint ? 'accepted' : 'reused', cellId };
    },
    exhaust(zones) {
      exhausted = new Set(zones);
    },
    interrupt(cellId, reason) {
      const machine = machines.get(cellId);
      if (machine !== undefined) ended(machine, reason);
    },
    tokenOf: (cellId) => machines.get(cellId)?.token,
    async close() {
      for (const machine of machines.values()) machine.life.abort();
      await Promise.all([...machines.values()].map(({ done }) => done));
      machines.clear();
      for (const connections of bootstraps.values()) connections.destroy();
      bootstraps.clear();
    },
  };
}
