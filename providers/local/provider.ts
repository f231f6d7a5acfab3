import { access, mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { CellMachine } from '../../src/core/cell.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { messageOf, NodelessError } from '../../src/core/errors.ts';
import type { Offering } from '../../src/core/offerings.ts';
import type { Attestation, BootstrapEvidence, CellProvider, Claimant, LaunchRequest } from '../contract.ts';
import { createAddressBook } from './address-book.ts';
import { cellSpec, cgroupOf, hostSize, machineOf } from './cell-machine.ts';
import { type CellRecord, cellIdOfToken, checkCellId, createCellStore, isCellId, sha256 } from './cell-store.ts';
import { machineAddresses } from './machine/addressing.ts';
import { setCpuWeight } from './machine/cgroups.ts';
import { containerdTemplate } from './machine/containerd-template.ts';
import { endMachine, type MachineState, machineState, startMachine } from './machine/machine.ts';
import { localOfferings } from './offerings.ts';
import { type LocalProviderOptions, withDefaults } from './options.ts';
import { createPower } from './power.ts';
import { checkPrerequisites } from './prerequisites.ts';
import { startRouter } from './router.ts';

/** What a launch that died half-way has left is swept when it is this old. */
const DEBRIS_AGE_MS = 60_000;

/**
 * Cells as stock kubelet and containerd processes on this machine. The state folder is the cloud: any provider over
 * it sees the same cells, and they go on without one. Linux and root only.
 */
export function createLocalProvider(options: LocalProviderOptions): CellProvider {
  const settings = withDefaults(options);
  const clock: Clock = settings.clock ?? systemClock;
  const store = createCellStore(settings.stateDir);
  const addresses = createAddressBook(join(settings.stateDir, 'addresses'), settings.ranges);
  const queue = new PQueue({ concurrency: settings.launchConcurrency });
  /** Launches that nobody waits for: one at a time, and none begins while a pod is given a machine. */
  const background = new PQueue({ concurrency: 1 });
  let claiming = 0;
  const launches = new Map<string, { readonly done: Promise<CellMachine>; readonly cancel: AbortController }>();
  const terminations = new Map<string, Promise<void>>();
  let template: string | undefined;
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  async function stateOf(cellId: string): Promise<MachineState> {
    return store.isEnding(cellId) ? 'ending' : machineState(store.machineDirectory(cellId));
  }

  /** The cell's record, made now if it is new. Repeats safely after a death at any point. */
  async function recordOf({ tags, offering }: LaunchRequest): Promise<CellRecord> {
    const known = await store.read(tags.cellId);
    if (known !== undefined) return known;
    if (store.isExhausted(offering.zone)) {
      const message = `zone ${offering.zone} is marked as exhausted in ${join(settings.stateDir, 'exhausted-zones')}`;
      throw new NodelessError({ code: 'InsufficientCapacity', retryable: true, message });
    }
    const token = await store.token(tags.cellId);
    const index = await addresses.take(tags.cellId);
    return store.create({
      tags,
      offering,
      index,
      address: machineAddresses(settings.ranges, index).address,
      createdAtMs: clock.now(),
      tokenSha256: sha256(token),
    });
  }

  async function launchNow(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine> {
    signal.throwIfAborted();
    const { cellId } = request.tags;
    const record = await recordOf(request);
    const before = await stateOf(cellId);
    if (before !== 'absent' && before !== 'starting') return machineOf(record, before);
    const spec = cellSpec({
      settings,
      record,
      template,
      cellClass: request.cellClass,
      bootstrap: request.bootstrap,
      images: request.images ?? [],
      token: await store.token(cellId),
      directory: store.machineDirectory(cellId),
      host: hostSize(),
    });
    const startedMs = clock.now();
    const state = await startMachine(spec, signal, clock);
    settings.logger?.info({ cell: cellId, tookMs: clock.now() - startedMs, state }, 'local cell started');
    return machineOf(record, state);
  }

  function launch(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine> {
    const { cellId, pool, podUid } = request.tags;
    const running = launches.get(cellId);
    if (running !== undefined) return running.done;
    const cancel = new AbortController();
    const either = AbortSignal.any([signal, cancel.signal]);
    // The queue is not given the signal: it would reject while the launch still writes.
    const begin = () => queue.add(() => launchNow(request, either));
    const isAwaited = pool === undefined || podUid !== '';
    const done = (isAwaited ? begin() : background.add(begin))
      .catch((error) => {
        if (!cancel.signal.aborted) throw error;
        const message = `cell ${cellId} was terminated while it was launched`;
        throw new NodelessError({ code: 'NotFound', message, cause: error, identity: { cell: cellId } });
      })
      .finally(() => launches.delete(cellId));
    launches.set(cellId, { done, cancel });
    return done;
  }

  async function terminateNow(cellId: string): Promise<void> {
    const inFlight = launches.get(cellId);
    inFlight?.cancel.abort();
    await inFlight?.done.catch(() => undefined);
    await store.markEnding(cellId);
    await power.settled(cellId);
    await endMachine(store.machineDirectory(cellId), clock);
    // The folder before the index: an index must not be given to another while this cell could still claim it.
    await store.remove(cellId);
    await addresses.release(cellId);
  }

  function terminate(cellId: string): Promise<void> {
    const running = terminations.get(cellId);
    if (running !== undefined) return running;
    const done = terminateNow(cellId).finally(() => terminations.delete(cellId));
    terminations.set(cellId, done);
    return done;
  }

  function isOwn({ tags }: CellRecord): boolean {
    const { owner } = settings;
    return (
      owner === undefined || (tags.clusterUid === owner.clusterUid && owner.virtualNodes.includes(tags.virtualNode))
    );
  }

  const power = createPower({
    clock,
    directoryOf: (cellId) => store.machineDirectory(cellId),
    async recordOf(cellId) {
      if (!isCellId(cellId)) return undefined;
      await launches.get(cellId)?.done.catch(() => undefined);
      const record = await store.read(cellId);
      return record === undefined || !isOwn(record) || store.isEnding(cellId) ? undefined : record;
    },
  });

  async function find(cellId: string): Promise<CellMachine | undefined> {
    // State before record: a cell that vanishes in between is then not told of, instead of told of as launching.
    const state = await stateOf(cellId);
    const record = await store.read(cellId);
    return record !== undefined && isOwn(record) ? machineOf(record, state) : undefined;
  }

  async function claim(cellId: string, by: Claimant): Promise<CellMachine> {
    const before = isCellId(cellId) ? await find(cellId) : undefined;
    if (before === undefined || before.state === 'ending' || before.state === 'ended') {
      const message = `there is no cell ${cellId} that could be claimed`;
      throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
    }
    const { pool, podUid } = before.tags;
    // First: who claims it again, since it is not known whether this one has come about, finds it so.
    await setCpuWeight(cgroupOf(settings, cellId), 'equal');
    const owner = pool === undefined ? podUid : await store.claim(cellId, by);
    if (owner !== by.podUid) {
      const message = `cell ${cellId} is another pod's than ${by.pod}`;
      throw new NodelessError({ code: 'Denied', message, identity: { cell: cellId, pod: by.pod } });
    }
    return { ...before, tags: { ...before.tags, ...(pool === undefined ? {} : by) } };
  }

  async function offerings(): Promise<readonly Offering[]> {
    await mkdir(settings.stateDir, { recursive: true, mode: 0o700 });
    const disk = await statfs(settings.stateDir);
    return localOfferings({ ...hostSize(), diskBytes: disk.blocks * disk.bsize, arch: process.arch }, settings.zones);
  }

  async function prepareImages(signal: AbortSignal): Promise<string | undefined> {
    const { imagesDir, cacheDir, programs, sandboxImage } = settings;
    if (imagesDir === undefined) return undefined;
    const archives = (await readdir(imagesDir)).filter((name) => name.endsWith('.tar'));
    if (archives.length === 0) return undefined;
    const paths = archives.map((name) => join(imagesDir, name));
    return containerdTemplate({ cacheDir, archives: paths, containerd: programs.containerd, sandboxImage }, signal);
  }

  /** Removes what processes that died have left. Not only at the start: then a predecessor's debris is too young. */
  async function sweepWhenDue(): Promise<void> {
    const nowMs = clock.now();
    if (nowMs - sweptAtMs < DEBRIS_AGE_MS) return;
    sweptAtMs = nowMs;
    try {
      await store.sweep(nowMs - DEBRIS_AGE_MS);
      await addresses.sweep(async (cellId) => (await store.read(cellId)) !== undefined, nowMs - DEBRIS_AGE_MS);
    } catch (error) {
      settings.logger?.warn({ reason: messageOf(error) }, 'what dead launches have left could not be swept');
    }
  }

  async function attest(evidence: BootstrapEvidence): Promise<Attestation> {
    const cellId = cellIdOfToken(evidence.token);
    if (cellId === undefined) return { outcome: 'unknown' };
    const record = await store.read(cellId);
    if (record === undefined || !isOwn(record) || record.tokenSha256 !== sha256(evidence.token)) {
      return { outcome: 'unknown' };
    }
    const state = await stateOf(cellId);
    if (state === 'ending' || state === 'ended') return { outcome: 'unknown' };
    const first = await store.recordKey(cellId, evidence.keyFingerprint);
    return { outcome: first === evidence.keyFingerprint ? 'accepted' : 'reused', cellId };
  }

  return {
    name: 'local',
    pullsImages: true,
    async start(signal) {
      await checkPrerequisites(settings.programs);
      if (!/^[a-z0-9][a-z0-9-]{0,29}$/.test(settings.clusterName)) {
        const message = `"${settings.clusterName}" can't name a local cluster: use up to 30 of a-z, 0-9 and -`;
        throw new NodelessError({ code: 'InvalidConfig', message });
      }
      await mkdir(settings.stateDir, { recursive: true, mode: 0o700 });
      await startRouter(settings, signal);
      template = await prepareImages(signal);
      await sweepWhenDue();
    },
    async stop() {
      for (const { cancel } of launches.values()) cancel.abort();
      await Promise.allSettled([...launches.values()].map(({ done }) => done));
      await Promise.allSettled([...terminations.values(), power.settled()]);
    },
    offerings,
    async launch(request, signal) {
      checkCellId(request.tags.cellId);
      await terminations.get(request.tags.cellId);
      return launch(request, signal);
    },
    async list(signal) {
      signal.throwIfAborted();
      await sweepWhenDue();
      const found = await Promise.all((await store.ids()).map(find));
      return found.filter((machine) => machine !== undefined);
    },
    async terminate(cellId) {
      if (isCellId(cellId)) await terminate(cellId);
    },
    async claim(cellId, by) {
      claiming += 1;
      background.pause();
      try {
        return await claim(cellId, by);
      } finally {
        claiming -= 1;
        if (claiming === 0) background.start();
      }
    },
    stopMachine: (cellId, signal) => power.change(cellId, 'stopped', signal),
    startMachine: (cellId, signal) => power.change(cellId, 'running', signal),
    attest,
    async health() {
      const needed = [settings.stateDir, settings.programs.kubelet, settings.programs.containerd];
      if (settings.networkNamespace !== undefined) needed.push(settings.networkNamespace);
      await Promise.all(needed.map((path) => access(path))).catch((error) => {
        throw new NodelessError({
          code: 'PrerequisiteMissing',
          message: `local cells can't be launched: ${messageOf(error)}`,
          cause: error,
        });
      });
    },
  };
}
