import { z } from 'zod';
import type { SeatedAgent } from '../cells/cell.ts';

/** What one cell says of one container of an agent. */
interface ContainerTelling {
  readonly ready: boolean;
  readonly restartCount: number;
  /** Why it does not run, where there is more to say than that it begins. */
  readonly trouble?: Trouble;
}

/** Why something does not run, in a kubelet's words. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
}

/** What one cell says of an agent. */
export interface Telling {
  readonly cellId: string;
  readonly seatedAtMs: number;
  /** False as long as its kubelet has said nothing. */
  readonly told: boolean;
  readonly ready: boolean;
  /** Its kubelet did not let it in, and never will. */
  readonly refused: boolean;
  readonly trouble?: Trouble;
  /** Containers and init containers, by name. */
  readonly containers: ReadonlyMap<string, ContainerTelling>;
}

const MAX_RESTARTS = 2 ** 31 - 1;
const MAX_CONTAINERS = 100;
const MAX_MESSAGE = 256;
/** What every container waits for at first. */
const BEGINNINGS = ['ContainerCreating', 'PodInitializing'];

/** Whoever has taken a cell over says what it likes: what is not as kubelets write it is left out. */
const reason = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/)
  .catch('Unknown');
/** Half a character would be stored as another one, and never be what was written. */
const message = z
  .string()
  .transform((text) =>
    text
      .replaceAll(/\p{Cc}/gu, ' ')
      .slice(0, MAX_MESSAGE)
      .toWellFormed(),
  )
  .catch('');
const trouble = z.looseObject({ reason, message }).optional().catch(undefined);
const containerStatus = z.looseObject({
  name: z.string().max(63),
  ready: z.boolean().catch(false),
  restartCount: z.int().min(0).max(MAX_RESTARTS).catch(0),
  state: z.looseObject({ waiting: trouble, terminated: trouble }).catch({ waiting: undefined, terminated: undefined }),
});
const containerStatuses = z
  .array(containerStatus)
  .transform((list) => list.slice(0, MAX_CONTAINERS))
  .catch([]);
const agentStatus = z.looseObject({
  phase: z.string().catch(''),
  reason: z.string().optional().catch(undefined).pipe(reason.optional()),
  message,
  conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).catch([]),
  containerStatuses,
  initContainerStatuses: containerStatuses,
});

type Told = Omit<Telling, 'cellId' | 'seatedAtMs'>;

function containerOf({ ready, restartCount, state }: z.output<typeof containerStatus>): ContainerTelling {
  const { waiting, terminated } = state;
  const found = waiting ?? (ready ? undefined : terminated);
  const isTrouble = found !== undefined && !BEGINNINGS.includes(found.reason) && found.reason !== 'Completed';
  return { ready, restartCount, ...(isTrouble ? { trouble: found } : {}) };
}

function read(status: unknown): Told {
  const { phase, reason: why, message: text, ...told } = agentStatus.parse(status);
  const all = [...told.containerStatuses, ...told.initContainerStatuses];
  const containers = new Map(all.map((one) => [one.name, containerOf(one)]));
  const failed = phase === 'Failed';
  const own = failed ? { reason: why ?? 'Failed', message: text } : undefined;
  const first = own ?? [...containers.values()].find((one) => one.trouble !== undefined)?.trouble;
  return {
    told: true,
    ready: !failed && told.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    refused: failed && all.length === 0,
    ...(first === undefined ? {} : { trouble: first }),
    containers,
  };
}

const UNTOLD: Told = { told: false, ready: false, refused: false, containers: new Map() };
const known = new WeakMap<object, Told>();

/** Reads what a cell's kubelet has told of an agent; each status once. */
export function tellingOf(cellId: string, { seatedAtMs, status }: SeatedAgent): Telling {
  if (status === undefined) return { cellId, seatedAtMs, ...UNTOLD };
  const told = known.get(status) ?? read(status);
  known.set(status, told);
  return { cellId, seatedAtMs, ...told };
}
