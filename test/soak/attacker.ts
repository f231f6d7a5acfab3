import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIdentity } from '../../providers/local/machine/process-identity.ts';
import { GROUP, VERSION } from '../../src/core/names.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { freeze, kill, startAgain, thaw } from '../../src/local-cluster/control-plane.ts';
import { signalComponent, waitForEnd } from '../../src/local-cluster/processes/component.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import { cellFolder, cellProcesses } from '../support/cells.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { type Attack, type CellAttack, chosen, NOBODY } from './actions.ts';
import { programsOf, readMachines } from './machine-view.ts';
import type { MachineSeen } from './observation.ts';
import { noteAttack, type Standing } from './standing.ts';

const API_SERVER = 'kube-apiserver';
/** A provider that is asked to end finishes the launches that it has begun. */
const STOP_TIMEOUT_MS = 20_000;
/** How long a launch is waited for that could be killed, and how often it is looked for: it takes a moment only. */
const LAUNCH_TIMEOUT_MS = 6_000;
const LOOK_FOR_LAUNCH_MS = 10;

export interface AttackerOptions {
  readonly paths: ClusterPaths;
  readonly client: KubeClient;
  readonly standing: Standing;
  readonly signal: AbortSignal;
}

/** Who makes things go wrong, and notes what was done in the standing. */
export interface Attacker {
  /** Resolves with what it was done to, or `NOBODY`; `machines` are those that were seen last. */
  attack(attack: Attack, machines: readonly MachineSeen[]): Promise<string>;
  /** Ends whatever absence there still is. */
  relent(): Promise<void>;
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with another one.
  }
}

export function createAttacker({ paths, client, standing, signal }: AttackerOptions): Attacker {
  async function attackCell(kind: CellAttack, cellId: string): Promise<void> {
    noteAttack(standing, cellId, kind);
    if (kind === 'killKubelet' || kind === 'killContainerd') {
      const program = kind === 'killKubelet' ? 'kubelet' : 'containerd';
      for (const pid of programsOf(paths, cellId)[program]) endProcess(pid);
    } else if (kind === 'deleteCell') {
      await client.request({ method: 'DELETE', path: `/apis/${GROUP}/${VERSION}/cells/${cellId}` });
    } else {
      // The first process first, as when a machine loses its power: no kubelet is to see its containers die.
      const record = await readFile(join(cellFolder(paths.name, cellId), 'machine', 'supervisor'), 'utf8').catch(
        () => '',
      );
      const { pid } = parseIdentity(record);
      if (pid > 0) endProcess(pid);
      for (const process of await cellProcesses(paths.name, cellId)) endProcess(process.pid);
    }
  }

  function providerIsBack(): void {
    Object.assign(standing, { provider: 'running', undisturbedSinceMs: Date.now() });
  }

  async function startProvider(): Promise<void> {
    Object.assign(standing, { startedAtMs: Date.now(), servedAtMs: undefined, restarts: standing.restarts + 1 });
    await startProviderAgain(paths.name);
    providerIsBack();
  }

  function apiServerIsBack(): void {
    Object.assign(standing, { apiServer: 'running', undisturbedSinceMs: Date.now() });
  }

  /** Ends all processes of the first cell whose first process has begun and is not the supervisor yet. */
  async function killLaunch(): Promise<string> {
    const deadlineMs = Date.now() + LAUNCH_TIMEOUT_MS;
    while (Date.now() < deadlineMs) {
      for (const { cellId, state } of await readMachines(paths)) {
        const found = state === 'begun' ? await cellProcesses(paths.name, cellId) : [];
        if (found.length === 0) continue;
        noteAttack(standing, cellId, 'killLaunch');
        for (const { pid } of found) endProcess(pid);
        return cellId;
      }
      await delay(LOOK_FOR_LAUNCH_MS, undefined, { signal });
    }
    return NOBODY;
  }

  async function attackServer(kind: Exclude<Attack['kind'], CellAttack>): Promise<void> {
    switch (kind) {
      case 'killProvider':
        standing.provider = 'away';
        return killProvider(paths.name);
      case 'stopProvider':
        standing.provider = 'away';
        await signalComponent(paths, PROVIDER, 'SIGTERM');
        if (await waitForEnd(paths, PROVIDER, STOP_TIMEOUT_MS)) return;
        throw new Error(`the provider has not ended ${STOP_TIMEOUT_MS / 1_000} s after SIGTERM`);
      case 'startProvider':
        return startProvider();
      case 'freezeProvider':
        standing.provider = 'frozen';
        await signalComponent(paths, PROVIDER, 'SIGSTOP');
        return;
      case 'thawProvider':
        await signalComponent(paths, PROVIDER, 'SIGCONT');
        return providerIsBack();
      case 'killApiServer':
        standing.apiServer = 'away';
        return kill(paths, API_SERVER);
      case 'startApiServer':
        await startAgain(paths, API_SERVER, signal);
        return apiServerIsBack();
      case 'freezeApiServer':
        standing.apiServer = 'away';
        return freeze(paths, API_SERVER);
      case 'thawApiServer':
        await thaw(paths, API_SERVER);
        return apiServerIsBack();
    }
  }

  return {
    async attack(attack, machines) {
      if (attack.kind === 'killLaunch') return killLaunch();
      if (!('victim' in attack)) {
        await attackServer(attack.kind);
        return attack.kind.endsWith('ApiServer') ? API_SERVER : 'provider';
      }
      const running = machines.filter(({ state }) => state === 'running');
      const cellId = chosen(attack.victim, running)?.cellId;
      if (cellId === undefined) return NOBODY;
      await attackCell(attack.kind, cellId);
      return cellId;
    },
    async relent() {
      await thaw(paths, API_SERVER);
      await startAgain(paths, API_SERVER, signal);
      if (standing.apiServer === 'away') apiServerIsBack();
      await signalComponent(paths, PROVIDER, 'SIGCONT');
      if (standing.provider === 'away') await startProvider();
      else if (standing.provider === 'frozen') providerIsBack();
    },
  };
}
