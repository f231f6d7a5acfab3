import type { Figure } from './benchmark.ts';
import { type Delivery, evenly } from './cells-changes.ts';
import type { ProcessMemory } from './hollow/process-memory.ts';

/** Values of one figure that are kept; thousands of delays say no more. */
const SHOWN_VALUES = 1_000;
const KIB = 1024;
const MEMORY_AIM_KIB = 200;

/** What was found at one number of cells. */
export interface CellsFinding {
  readonly cells: number;
  readonly startSeconds: number;
  readonly proxiesSeconds: number;
  readonly restPercent: number;
  readonly changing: { readonly alone: Changing; readonly proxied: Changing };
  readonly memory: { readonly alone: ProcessMemory; readonly proxied: ProcessMemory };
  readonly upstreamWatches: { readonly alone: number; readonly proxied: number };
}

/** What was found while endpoints and pods changed. */
export interface Changing {
  readonly providerPercent: number;
  readonly cloudPercent: number;
  readonly slices: Delivery;
  readonly pods: Delivery;
  readonly direct: Delivery;
}

/** Memory that each cell costs, from the difference of two sizes. */
function perCell(from: CellsFinding, to: CellsFinding, of: (finding: CellsFinding) => number): number {
  return (of(to) - of(from)) / (to.cells - from.cells) / KIB;
}

/** The figures of one number of cells. */
export function figuresOf(finding: CellsFinding): readonly Figure[] {
  const { cells, startSeconds, proxiesSeconds, restPercent, upstreamWatches: watches } = finding;
  const { alone, proxied } = finding.changing;
  const subject = `${cells} cells`;
  const figure = (name: string, unit: string, values: readonly number[], aim?: Figure['aim']): Figure => ({
    name,
    subject,
    unit,
    values: evenly(values, SHOWN_VALUES),
    ...(aim === undefined ? {} : { aim }),
  });
  return [
    figure('start, from the scaling of the Deployment to every watch open', 's', [startSeconds]),
    figure('watches at the API server', '', [watches.alone]),
    figure('provider CPU at rest', '% of a core', [restPercent]),
    figure('provider CPU, 10 slices/s and 5 pods/s change', '% of a core', [alone.providerPercent]),
    figure('pod change, until its cell saw it', 'ms', alone.pods.each),
    figure('with kube-proxies: until all have listed and watch', 's', [proxiesSeconds]),
    figure('with kube-proxies: watches at the API server', '', [watches.proxied]),
    figure('with kube-proxies: provider CPU, the same changes', '% of a core', [proxied.providerPercent]),
    figure('with kube-proxies: CPU of the process of the hollow cells', '% of a core', [proxied.cloudPercent]),
    figure('with kube-proxies: pod change, until its cell saw it', 'ms', proxied.pods.each),
    figure('with kube-proxies: EndpointSlice change, until a cell saw it', 'ms', proxied.slices.each),
    figure('with kube-proxies: EndpointSlice change, until the last cell saw it', 'ms', proxied.slices.last),
    figure(
      'with kube-proxies: EndpointSlice change, until a watch at the API server saw it',
      'ms',
      proxied.direct.each,
    ),
    figure('changes that did not reach every watch', '', [proxied.slices.incomplete + proxied.pods.incomplete], {
      atMost: 0,
    }),
  ];
}

/** What each cell costs: the difference between few cells and the most. */
export function growthFigures(findings: readonly CellsFinding[]): readonly Figure[] {
  const to = findings.at(-1);
  const ten = findings.find(({ cells }) => cells === 10);
  const hundred = findings.find(({ cells }) => cells === 100);
  if (to === undefined || ten === undefined || hundred === undefined || hundred === to) return [];
  const memory = (subject: string, of: (finding: CellsFinding) => number): Figure => ({
    name: `provider memory per cell, from ${hundred.cells} to ${to.cells} cells`,
    subject,
    unit: 'KiB/cell',
    values: [perCell(hundred, to, of)],
    aim: { atMost: MEMORY_AIM_KIB },
  });
  const watches = (subject: string, of: (finding: CellsFinding) => number): Figure => ({
    name: `watches at the API server that ${to.cells} cells have beyond those of ${ten.cells}`,
    subject,
    unit: '',
    values: [of(to) - of(ten)],
    aim: { atMost: 0 },
  });
  return [
    memory('heap and external', (finding) => finding.memory.alone.liveBytes),
    memory('resident', (finding) => finding.memory.alone.rssBytes),
    memory('heap and external, with kube-proxies', (finding) => finding.memory.proxied.liveBytes),
    memory('resident, with kube-proxies', (finding) => finding.memory.proxied.rssBytes),
    watches('cells', ({ upstreamWatches }) => upstreamWatches.alone),
    watches('cells with kube-proxies', ({ upstreamWatches }) => upstreamWatches.proxied),
  ];
}
