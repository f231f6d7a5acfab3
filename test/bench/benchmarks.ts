import type { Benchmark } from './benchmark.ts';
import { burst } from './burst.ts';
import { cellsApi } from './cells-api.ts';
import { coldStart } from './cells-cold.ts';
import { warmStart } from './cells-warm.ts';
import { connections } from './connections.ts';
import { placement } from './placement.ts';
import { poolSteps } from './pool-steps.ts';
import { scale } from './scale.ts';
import { scrape } from './scrape.ts';
import { webhook } from './webhook.ts';

/** Every benchmark, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [
  burst,
  scale,
  scrape,
  webhook,
  warmStart,
  poolSteps,
  coldStart,
  cellsApi,
  connections,
  placement,
];
