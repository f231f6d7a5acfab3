import type { Action, Attack, Step } from './actions.ts';
import { type Random, seededRandom, weighted } from './random.ts';
import { emptyWorkload, nextWorkloadAction, type Workload } from './workload.ts';

/** A step before it has its number. */
type Turn = Omit<Step, 'index'>;

/** After so many episodes everything is left alone until it has settled. */
const EPISODES_BETWEEN_SETTLES = 40;

/** Mostly moments, so that the next thing hits what the last one has begun; now and then long enough to finish it. */
function pauseMs(random: Random): number {
  const kind = random.fraction();
  if (kind < 0.3) return random.between(0, 300);
  if (kind < 0.75) return random.between(300, 2_000);
  return random.between(2_000, 5_000);
}

/** How long a provider is away after a crash: mostly as short as a supervisor needs. */
function awayMs(random: Random): number {
  const kind = random.fraction();
  if (kind < 0.7) return random.between(0, 150);
  return kind < 0.95 ? random.between(150, 1_500) : random.between(1_500, 6_000);
}

function workloadTurns(workload: Workload, random: Random, most: number): readonly Turn[] {
  return Array.from({ length: random.between(0, most) }, () => ({
    pauseMs: random.between(0, 800),
    action: nextWorkloadAction(workload, random),
  }));
}

/** A few things that a user does, up to one that needs a new cell. */
function launchingTurns(workload: Workload, random: Random): readonly Turn[] {
  const turns: Turn[] = [];
  while (turns.length < 5 && !/^(create(Pod|Deployment|Job)|update)$/.test(turns.at(-1)?.action.kind ?? '')) {
    turns.push({ pauseMs: random.between(0, 200), action: nextWorkloadAction(workload, random) });
  }
  return turns;
}

/**
 * When the provider is hurt. A part of the time it does not matter whether it has started; else it serves first, or on a
 * slow machine it never would.
 */
function strike(action: Action, random: Random): Turn {
  if (random.chance(0.25)) return { pauseMs: random.between(0, 2_000), action };
  const kind = random.fraction();
  const longestMs = kind < 0.6 ? 1_000 : kind < 0.9 ? 3_000 : 6_000;
  return { onceServed: true, pauseMs: random.between(0, longestMs), action };
}

interface Absence {
  readonly begin: Turn;
  readonly meanwhile?: readonly Turn[];
  readonly lengthMs: number;
  readonly end: Action;
}

/** Something that is away for a while, and what happens meanwhile. */
function absence({ begin, meanwhile = [], lengthMs, end }: Absence): readonly Turn[] {
  return [begin, ...meanwhile, { pauseMs: lengthMs, action: end }];
}

interface Episode {
  readonly weight: number;
  readonly turns: (workload: Workload, random: Random) => readonly Turn[];
}

function cellAttack(kind: Extract<Attack, { victim: number }>['kind'], weight: number): Episode {
  return {
    weight,
    turns: (_, random) => [{ pauseMs: pauseMs(random), action: { kind, victim: random.fraction() } }],
  };
}

const EPISODES: readonly Episode[] = [
  {
    weight: 40,
    turns: (workload, random) => [{ pauseMs: pauseMs(random), action: nextWorkloadAction(workload, random) }],
  },
  {
    weight: 48,
    turns: (workload, random) =>
      absence({
        begin: strike({ kind: 'killProvider' }, random),
        meanwhile: random.chance(0.25) ? workloadTurns(workload, random, 2) : [],
        lengthMs: awayMs(random),
        end: { kind: 'startProvider' },
      }),
  },
  {
    weight: 2,
    turns: (workload, random) =>
      absence({
        begin: strike({ kind: 'stopProvider' }, random),
        meanwhile: workloadTurns(workload, random, 1),
        lengthMs: awayMs(random),
        end: { kind: 'startProvider' },
      }),
  },
  {
    weight: 2,
    turns: (workload, random) =>
      absence({
        begin: strike({ kind: 'freezeProvider' }, random),
        meanwhile: workloadTurns(workload, random, 2),
        lengthMs: random.between(500, 5_000),
        end: { kind: 'thawProvider' },
      }),
  },
  {
    weight: 0.7,
    turns: (_, random) =>
      absence({
        begin: strike({ kind: 'freezeApiServer' }, random),
        meanwhile: random.chance(0.5)
          ? [
              { pauseMs: random.between(0, 1_000), action: { kind: 'killProvider' } },
              { pauseMs: random.between(0, 1_000), action: { kind: 'startProvider' } },
            ]
          : [],
        lengthMs: random.between(500, 4_000),
        end: { kind: 'thawApiServer' },
      }),
  },
  {
    weight: 0.3,
    turns: (_, random) =>
      absence({
        begin: strike({ kind: 'killApiServer' }, random),
        lengthMs: random.between(0, 2_000),
        end: { kind: 'startApiServer' },
      }),
  },
  cellAttack('killKubelet', 3),
  cellAttack('killContainerd', 3),
  cellAttack('killCell', 4),
  cellAttack('deleteCell', 1),
  {
    weight: 3,
    turns: (workload, random) => [
      ...launchingTurns(workload, random),
      { onceServed: true, pauseMs: 0, action: { kind: 'killLaunch' } },
    ],
  },
];

/** All that happens in a soak, without an end; it follows from the seed alone. */
export function* planOf(seed: number): Generator<Step, never> {
  const random = seededRandom(seed);
  const workload = emptyWorkload();
  let index = 0;
  for (;;) {
    for (let episode = 0; episode < EPISODES_BETWEEN_SETTLES; episode++) {
      const turns = weighted(random, EPISODES)?.turns(workload, random) ?? [];
      for (const turn of turns) yield { index: index++, ...turn };
    }
    yield { index: index++, pauseMs: 0, action: { kind: 'settle' } };
  }
}
