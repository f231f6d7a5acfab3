import { columns } from '../columns.ts';
import type { Contest, Standing } from './contest.ts';
import { folded, sparkline } from './sparkline.ts';

const HEADINGS = ['POLICY', 'IN TIME', 'HIT RATE', 'P50', 'P95', 'P99', 'OVERHEAD', 'CELLS', 'WORST HOUR'];
const WIDTH = 72;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** `day 3 14:00`, as the trace counts. */
function hourName(hour: number): string {
  return `day ${Math.floor(hour / 24) + 1} ${String(hour % 24).padStart(2, '0')}:00`;
}

function row({ policy, outcome, cells }: Standing): readonly string[] {
  const { attainment, hitRate, startP50Ms, startP95Ms, startP99Ms, overheadUsd, worstHour } = outcome;
  return [
    policy,
    percent(attainment),
    percent(hitRate),
    ...[startP50Ms, startP95Ms, startP99Ms].map(seconds),
    `$${overheadUsd.toFixed(2)}`,
    String(cells),
    worstHour === undefined
      ? '–'
      : `${percent(worstHour.attainment)} of ${worstHour.pods} (${hourName(worstHour.hour)})`,
  ];
}

function plots(standings: readonly Standing[]): readonly string[] {
  const [first] = standings;
  if (first === undefined) return [];
  const pods = folded(first.hours.pods, WIDTH);
  const costs = standings.map(({ hours }) => folded(hours.overheadUsd, WIDTH));
  const most = Math.max(...costs.flat());
  const rows = standings.flatMap(({ policy, hours }, index) => {
    const inTime = folded(hours.inTime, WIDTH).map((count, at) => count / (pods[at] as number));
    return [
      [policy, 'in time', sparkline(inTime, 0.5, 1)],
      ['', 'overhead', sparkline(costs[index] ?? [], 0, most)],
    ];
  });
  return columns([['all', 'pods', sparkline(pods, 0, Math.max(...pods))], ...rows]);
}

/** What came out, for people: a table, then what happened over time (in time: from 50 % to 100 %). */
export function standingsText({ sla: { targetMs, percentile }, requirements, standings }: Contest): string {
  const pods = standings[0]?.outcome.pods ?? 0;
  const lines = [
    `${pods} pods after the warm-up; ${+(percentile * 100).toFixed(3)} % should start within ${seconds(targetMs)}`,
    ...requirements.map(({ shape, text }) => `${shape}: ${text}`),
    '',
    ...columns([HEADINGS, ...standings.map(row)]),
    '',
    ...plots(standings),
    '',
    ...standings.flatMap(({ policy, pools }) => pools.map(({ shape, why }) => `${policy}, ${shape}: ${why}`)),
  ];
  return `${lines.join('\n')}\n`;
}
