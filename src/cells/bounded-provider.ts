import type { CellProvider, Claimant } from '../../providers/contract.ts';
import { isNodelessError, NodelessError } from '../core/errors.ts';

/** How long each call may take, in milliseconds; after it the outcome is unknown and the caller goes on. */
const DEADLINES_MS = {
  offerings: 60_000,
  launch: 120_000,
  list: 30_000,
  terminate: 60_000,
  claim: 15_000,
  console: 20_000,
  stopMachine: 120_000,
  startMachine: 60_000,
  attest: 10_000,
  health: 10_000,
};

type Bounded = keyof typeof DEADLINES_MS;

async function within<T>(what: Bounded, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadlineMs = DEADLINES_MS[what];
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const late = Promise.withResolvers<never>();
  const expire = () => {
    if (signal.aborted) late.reject(signal.reason);
    const message = `the provider did not answer ${what} within ${deadlineMs / 1000} s`;
    late.reject(new NodelessError({ code: 'AmbiguousOutcome', retryable: true, message }));
  };
  bounded.addEventListener('abort', expire, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([call(bounded), late.promise]);
  } finally {
    bounded.removeEventListener('abort', expire);
  }
}

/** Told of each call: what was asked, and how it ended, `ok` or the code of the error, after how many seconds. */
export type CallObserver = (operation: string, outcome: string, seconds: number) => void;

/** The same provider, whose calls end: with AmbiguousOutcome at a deadline, even where it does not heed its signal. */
export function boundedProvider(provider: CellProvider, observe: CallObserver = () => undefined): CellProvider {
  async function bounded<T>(what: Bounded, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const told = (outcome: string) => observe(what, outcome, (performance.now() - startedMs) / 1_000);
    try {
      const answer = await within(what, signal, call);
      told('ok');
      return answer;
    } catch (error) {
      told(isNodelessError(error) ? error.code : 'Aborted');
      throw error;
    }
  }
  const { claim } = provider;
  const mayClaim =
    claim === undefined
      ? {}
      : {
          claim: (cellId: string, by: Claimant, signal: AbortSignal) =>
            bounded('claim', signal, (limit) => claim.call(provider, cellId, by, limit)),
        };
  const { console } = provider;
  const mayShow =
    console === undefined
      ? {}
      : {
          console: (cellId: string, signal: AbortSignal) =>
            bounded('console', signal, (limit) => console.call(provider, cellId, limit)),
        };
  const { stopMachine, startMachine } = provider;
  const mayStop =
    stopMachine === undefined || startMachine === undefined
      ? {}
      : {
          stopMachine: (cellId: string, signal: AbortSignal) =>
            bounded('stopMachine', signal, (limit) => stopMachine.call(provider, cellId, limit)),
          startMachine: (cellId: string, signal: AbortSignal) =>
            bounded('startMachine', signal, (limit) => startMachine.call(provider, cellId, limit)),
        };
  return {
    ...mayClaim,
    ...mayShow,
    ...mayStop,
    ...(provider.interruptions === undefined
      ? {}
      : { interruptions: (take, signal) => provider.interruptions?.(take, signal) }),
    name: provider.name,
    isSelfBounded: provider.isSelfBounded === true,
    pullsImages: provider.pullsImages === true,
    start: (signal) => provider.start(signal),
    stop: () => provider.stop(),
    offerings: (signal) => bounded('offerings', signal, (limit) => provider.offerings(limit)),
    launch: (request, signal) => bounded('launch', signal, (limit) => provider.launch(request, limit)),
    list: (signal) => bounded('list', signal, (limit) => provider.list(limit)),
    terminate: (cellId, signal) => bounded('terminate', signal, (limit) => provider.terminate(cellId, limit)),
    attest: (evidence, signal) => bounded('attest', signal, (limit) => provider.attest(evidence, limit)),
    health: (signal) => bounded('health', signal, (limit) => provider.health(limit)),
  };
}
