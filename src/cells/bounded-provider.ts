import type { CellProvider } from '../../providers/contract.ts';
import { NodelessError } from '../core/errors.ts';

/** How long each call may take, in milliseconds; after it the outcome is unknown and the caller goes on. */
const DEADLINES_MS = {
  offerings: 60_000,
  launch: 120_000,
  list: 30_000,
  terminate: 60_000,
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

/** The same provider, whose calls end: with AmbiguousOutcome at a deadline, even where it does not heed its signal. */
export function boundedProvider(provider: CellProvider): CellProvider {
  return {
    name: provider.name,
    start: (signal) => provider.start(signal),
    stop: () => provider.stop(),
    offerings: (signal) => within('offerings', signal, (bounded) => provider.offerings(bounded)),
    launch: (request, signal) => within('launch', signal, (bounded) => provider.launch(request, bounded)),
    list: (signal) => within('list', signal, (bounded) => provider.list(bounded)),
    terminate: (cellId, signal) => within('terminate', signal, (bounded) => provider.terminate(cellId, bounded)),
    attest: (evidence, signal) => within('attest', signal, (bounded) => provider.attest(evidence, bounded)),
    health: (signal) => within('health', signal, (bounded) => provider.health(bounded)),
  };
}
