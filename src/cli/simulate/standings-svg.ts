import type { Standing } from './contest.ts';
import { folded } from './sparkline.ts';

const WIDTH = 960;
const HEIGHT = 180;
const LEFT = 60;
const GAP = 50;
const POINTS = 240;
const COLOURS = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a', '#bf3989', '#0a7ea4'];

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function path(values: readonly number[], top: number, [low, high]: readonly [number, number]): string {
  const x = (index: number) => LEFT + (index / Math.max(1, values.length - 1)) * (WIDTH - LEFT - 10);
  const y = (value: number) => top + HEIGHT - ((value - low) / (high - low || 1)) * HEIGHT;
  let isOpen = false;
  const steps = values.map((value, index) => {
    if (Number.isNaN(value)) {
      isOpen = false;
      return '';
    }
    const step = `${isOpen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isOpen = true;
    return step;
  });
  return steps.join('');
}

function panel(title: string, lines: readonly Line[], top: number, range: readonly [number, number]): string {
  const [low, high] = range;
  const label = (value: number, y: number) =>
    `<text x="${LEFT - 6}" y="${y}" text-anchor="end">${value.toPrecision(3)}</text>`;
  return [
    `<text x="${LEFT}" y="${top - 8}">${escaped(title)}</text>`,
    `<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - 10}" height="${HEIGHT}" fill="none" stroke="#d0d7de"/>`,
    label(high, top + 10),
    label(low, top + HEIGHT),
    ...lines.map(
      ({ values }, index) =>
        `<path d="${path(values, top, range)}" fill="none" stroke="${COLOURS[index % COLOURS.length]}"/>`,
    ),
  ].join('\n');
}

function legend(lines: readonly Line[]): string {
  return lines
    .map(({ name }, index) => {
      const x = LEFT + index * 140;
      return `<text x="${x}" y="16" fill="${COLOURS[index % COLOURS.length]}">${escaped(name)}</text>`;
    })
    .join('\n');
}

/** What happened over time, as a picture: pods, the share in time, overhead. */
export function standingsSvg(standings: readonly Standing[]): string {
  const pods = folded(standings[0]?.hours.pods ?? [], POINTS);
  const lines = (of: (standing: Standing) => readonly number[]): readonly Line[] =>
    standings.map((standing) => ({ name: standing.policy, values: of(standing) }));
  const inTime = lines(({ hours }) => folded(hours.inTime, POINTS).map((count, at) => count / (pods[at] as number)));
  const overhead = lines(({ hours }) => folded(hours.overheadUsd, POINTS));
  const most = (of: readonly Line[]) => Math.max(0, ...of.flatMap(({ values }) => values));
  const arrivals = [{ name: 'pods', values: pods }];
  const tops = [0, 1, 2].map((index) => 50 + index * (HEIGHT + GAP));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${50 + 3 * (HEIGHT + GAP)}" font-family="sans-serif" font-size="12">`,
    legend(inTime),
    panel('pods', arrivals, tops[0] as number, [0, most(arrivals)]),
    panel('share in time', inTime, tops[1] as number, [0, 1]),
    panel('overhead, USD', overhead, tops[2] as number, [0, most(overhead)]),
    '</svg>',
    '',
  ].join('\n');
}
