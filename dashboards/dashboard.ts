import type { Row } from './panel.ts';
import { cloud } from './rows/cloud.ts';
import { cluster } from './rows/cluster.ts';
import { cost } from './rows/cost.ts';
import { inside } from './rows/inside.ts';
import { pools } from './rows/pools.ts';
import { routing } from './rows/routing.ts';
import { starts } from './rows/starts.ts';

/** The rows of the one dashboard, from the top. */
export const ROWS: readonly Row[] = [cluster, starts, pools, cost, cloud, routing, inside];
