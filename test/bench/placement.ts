import { seededRandom } from '../../src/core/seeded-random.ts';
import { pick, survey } from '../../src/placement/choose.ts';
import { type Entry, OfferingTable } from '../../src/placement/offering-table.ts';
import { catalogue } from '../support/catalogue.ts';
import { randomQuery } from '../support/queries.ts';
import type { Benchmark, BenchResult } from './benchmark.ts';

const PODS = 10_000;
const TABLES = 20;
const CHOICE_MS = 1;

const canBeHad = ({ offering }: Entry) => offering.available;

/** How long a piece of work takes, in milliseconds. */
function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

async function run(): Promise<BenchResult> {
  const offerings = catalogue();
  const types = new Set(offerings.map(({ instanceType }) => instanceType)).size;
  const builds = Array.from({ length: TABLES }, () => timed(() => new OfferingTable(offerings)));
  const random = seededRandom(7);
  const queries = Array.from({ length: PODS }, () => randomQuery(random));
  const table = new OfferingTable(offerings);
  const refused: number[] = [];
  const chosen: number[] = [];
  for (const query of queries) {
    let found = false;
    const ms = timed(() => {
      found = pick(query, table.ofClass(query.cellClass.spec), canBeHad).entry !== undefined;
    });
    (found ? chosen : refused).push(ms);
  }
  const explained = queries
    .slice(0, 500)
    .map((query) => timed(() => survey(query, table.ofClass(query.cellClass.spec), canBeHad)));
  const aim = { atMost: CHOICE_MS };
  return {
    figures: [
      { name: 'choice', subject: 'all pods', unit: 'ms', values: [...chosen, ...refused], aim },
      { name: 'choice', subject: 'pods that get one', unit: 'ms', values: chosen, aim },
      { name: 'choice', subject: 'pods that nothing fits', unit: 'ms', values: refused },
      { name: 'every offering judged', subject: 'nodeless plan', unit: 'ms', values: explained },
      { name: 'table of offerings', subject: 'once a minute', unit: 'ms', values: builds },
    ],
    remarks: [
      `${types} instance types × 3 zones × 3 launch types: ${offerings.length} offerings.`,
      `${PODS} random pods of five classes; half ask for nothing beyond a size, the rest for architectures, zones, types or launch types too.`,
      'test/unit/placement/choose.test.ts holds the same choices equal to brute force.',
    ],
  };
}

/** How long one pod's choice takes over all that a large cloud offers. */
export const placement: Benchmark = {
  name: 'placement',
  title: 'The choice of an offering for one pod over a full catalogue.',
  run,
};
