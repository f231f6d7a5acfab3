import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import { type Action, type Attack, NOBODY, type Step, type WorkloadAction } from './actions.ts';
import { type Attacker, createAttacker } from './attacker.ts';
import { age, debris, remainsOnHost, remainsSeen } from './ending.ts';
import type { Figures } from './figures.ts';
import { readFootprint } from './host-view.ts';
import { isLongEnough, type Length } from './length.ts';
import type { Observer } from './observer.ts';
import { SETTLE_TIMEOUT_MS, settle, untilNothing } from './settling.ts';
import { type Standing, servingSinceMs } from './standing.ts';
import { createUser, type User } from './user.ts';

/** Longer than a start takes on a machine that is busy with much else. */
const SERVED_TIMEOUT_MS = 60_000;
const REMOVAL_TIMEOUT_MS = 120_000;
/** Debris of launches is swept at a start when it is older than a minute. */
const DEBRIS_AGE_SECONDS = 120;
/** How many more files a provider may hold once all its cells are gone than before the first. */
const SPARE_FILES = 15;

export interface SoakOptions {
  readonly paths: ClusterPaths;
  readonly client: KubeClient;
  readonly standing: Standing;
  readonly figures: Figures;
  readonly observer: Observer;
  readonly tell: (line: string) => void;
  /** Aborts when something is wrong, or somebody has had enough. */
  readonly signal: AbortSignal;
}

const WORKLOAD = /^(create|scale|update|deletePod|deleteReplica|deleteDeployment|deleteJob|changeConfigMap|labelPod)/;

function isWorkload(action: Action): action is WorkloadAction {
  return WORKLOAD.test(action.kind);
}

/** Carries a plan out on a cluster, and takes everything back at the end. */
export class Soak {
  readonly #options: SoakOptions;
  readonly #user: User;
  readonly #attacker: Attacker;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#user = createUser(options.client);
    this.#attacker = createAttacker(options);
  }

  async #settle(): Promise<void> {
    const { observer, client, signal } = this.#options;
    await settle(observer, client, { timeoutMs: SETTLE_TIMEOUT_MS, signal });
  }

  /** A provider that doesn't get to serve is as wrong as one that serves wrongly. */
  async #untilServed(): Promise<void> {
    const { standing, signal } = this.#options;
    const deadlineMs = Date.now() + SERVED_TIMEOUT_MS;
    while (servingSinceMs(standing) === undefined) {
      if (Date.now() > deadlineMs) throw new Error(`serves: no provider has served for ${SERVED_TIMEOUT_MS / 1_000} s`);
      await delay(10, undefined, { signal });
    }
  }

  async #perform(action: Action): Promise<string> {
    const { last } = this.#options.observer;
    if (action.kind === 'settle') {
      await this.#settle();
      return 'everything is as it is to be';
    }
    if (isWorkload(action)) return this.#user.act(action, last?.api?.pods ?? []);
    return this.#attacker.attack(action as Attack, last?.machines ?? []);
  }

  async #files(): Promise<number> {
    const [pid = 0] = (await this.#options.observer.next()).providerPids;
    return (await readFootprint(pid))?.files ?? 0;
  }

  /** Does what the plan says until it is over. What nobody was there for is not counted. */
  async #carryOut(plan: Iterable<Step>, isOver: (kills: number, atMs: number) => boolean): Promise<void> {
    const { figures, signal, tell } = this.#options;
    for (const { index, onceServed, pauseMs, action } of plan) {
      if (onceServed === true) await this.#untilServed();
      if (isOver(figures.actions.killProvider ?? 0, Date.now() + pauseMs)) return;
      await delay(pauseMs, undefined, { signal });
      const beganMs = Date.now();
      const whom = await this.#perform(action);
      if (whom !== NOBODY) figures.actions[action.kind] = (figures.actions[action.kind] ?? 0) + 1;
      tell(`#${index} ${JSON.stringify(action)} → ${whom} (${Date.now() - beganMs} ms)`);
    }
  }

  /** Nothing of any cell may be left, whoever knows of it; debris of killed launches may wait for the next start. */
  async #takeBack(filesBefore: number): Promise<void> {
    const { observer, paths, signal, tell } = this.#options;
    const timeoutMs = REMOVAL_TIMEOUT_MS;
    await this.#user.deleteAll();
    const left = async (seen: Parameters<typeof remainsSeen>[0]) => [
      ...remainsSeen(seen),
      ...(await remainsOnHost(paths)),
    ];
    await untilNothing('everythingGoes', observer, left, { timeoutMs, signal });
    const files = await this.#files();
    tell(`the provider holds ${files} files, and held ${filesBefore} before the first pod`);
    if (files > filesBefore + SPARE_FILES) {
      throw new Error(`holdsNoFiles: the provider held ${filesBefore} files before the first pod, and ${files} now`);
    }
    const remnants = await debris(paths);
    tell(`killed launches and ends have left ${remnants.length} files and folders for the next start to sweep`);
    await age(remnants, DEBRIS_AGE_SECONDS);
    await this.#attacker.attack({ kind: 'stopProvider' }, []);
    await this.#attacker.attack({ kind: 'startProvider' }, []);
    const unswept = async ({ servingSinceMs }: Parameters<typeof remainsSeen>[0]) =>
      servingSinceMs === undefined ? ['no provider serves'] : debris(paths);
    await untilNothing('debrisIsSwept', observer, unswept, { timeoutMs, signal });
  }

  /** Rejects with the first thing that is wrong. */
  async run(plan: Iterable<Step>, length: Length): Promise<void> {
    await this.#settle();
    await this.#user.prepare();
    const filesBefore = await this.#files();
    const beganMs = Date.now();
    await this.#carryOut(plan, (kills, atMs) => isLongEnough(length, { passedMs: atMs - beganMs, kills }));
    await this.#attacker.relent();
    this.#options.tell('the time is over: everything is left alone until it has settled, then deleted');
    await this.#settle();
    await this.#takeBack(filesBefore);
  }
}
