import type { CellClass } from '../core/cell-class.ts';
import type { Constraints, Term } from '../core/constraints.ts';
import { NodelessError } from '../core/errors.ts';
import { byPrice } from '../core/offerings.ts';
import { describeResources, type Resources, shortOf } from '../core/resources.ts';
import { BUILT_IN_CLASS } from './cell-classes.ts';
import type { Survey } from './choose.ts';
import { describeExclusions, type ExclusionCounts } from './exclusion.ts';
import type { Entry } from './offering-table.ts';
import type { Query } from './query.ts';

interface Lack {
  readonly entry: Entry;
  /** How many dimensions it lacks. */
  lacks: number;
  /** How much of its largest lack is lacking: 2 when the pod needs twice what there is. */
  short: number;
}

/** Asked for every offering, so it allocates one object. */
function lackOf(entry: Entry, need: Resources): Lack {
  const lack: Lack = { entry, lacks: 0, short: 0 };
  const count = (wanted: number, got: number) => {
    if (wanted > got) lack.lacks += 1;
    if (wanted > 0) lack.short = Math.max(lack.short, wanted / got);
  };
  const { counted } = entry;
  count(need.cpuMilli, counted.cpuMilli);
  count(need.memoryBytes, counted.memoryBytes);
  count(need.ephemeralStorageBytes, counted.ephemeralStorageBytes);
  for (const name in need.extended) count(need.extended[name] ?? 0, counted.extended[name] ?? 0);
  return lack;
}

function isNearer(a: Lack, b: Lack): boolean {
  if (a.lacks !== b.lacks) return a.lacks < b.lacks;
  return a.short === b.short ? byPrice(a.entry.offering, b.entry.offering) < 0 : a.short < b.short;
}

/** The offering that lacks the fewest dimensions, then the least of them. */
function nearestOf(tooSmall: readonly Entry[], need: Resources): Entry | undefined {
  let nearest: Lack | undefined;
  for (const entry of tooSmall) {
    const lack = lackOf(entry, need);
    if (nearest === undefined || isNearer(lack, nearest)) nearest = lack;
  }
  return nearest?.entry;
}

function describeTerm(term: Term): string {
  return term.map(({ key, operator, values = [] }) => [key, operator, values.join('|')].join(' ').trim()).join(' and ');
}

/** What a pod asks of its machine, in words: `kubernetes.io/arch In arm64`. */
export function describeConstraints(constraints: readonly Constraints[]): readonly string[] {
  return constraints.flatMap(({ required }) =>
    required === undefined ? [] : [[...new Set(required.map(describeTerm))].join(', or ')],
  );
}

/** ` of CellClass batch`, or nothing for the built-in one. */
export function ofClass({ cellClass }: Query): string {
  return cellClass.name === BUILT_IN_CLASS ? '' : ` of CellClass ${cellClass.name}`;
}

/** Which instance types a class takes, by its own globs. */
function describeGlobs({ spec: { instanceTypes } }: CellClass): string {
  const { include = ['*'], exclude = [] } = instanceTypes;
  const without = exclude.length === 0 ? '' : ` without ${exclude.join(', ')}`;
  return `; its spec.instanceTypes take ${include.join(', ')}${without}`;
}

function budgetExceeded({ cellClass: { name, spec }, room }: Query): NodelessError {
  const { maxCells, maxPricePerHourUsd } = spec.budgets;
  if (room.isUnknown)
    return new NodelessError({
      code: 'BudgetExceeded',
      retryable: true,
      message: `what other zones have of the budget of CellClass ${name} is not known yet: the Cell objects have not been listed; it is tried again`,
    });
  const isCells = room.cells <= 0;
  const limit = isCells
    ? `${maxCells} cells`
    : `$${maxPricePerHourUsd}/h, of which no offering that fits the pod is left`;
  const message = `CellClass ${name} has spent its budget of ${limit}; it gets a cell when one of the class’s ends; or raise spec.budgets`;
  return new NodelessError({ code: 'BudgetExceeded', retryable: true, message, identity: { cellClass: name } });
}

/**
 * Why a pod can have no cell now, as the error that it is told by. A retry says the same as long as nothing changes.
 * `look` surveys every offering; only a pod that nothing fits is worth it, for the others ask again every few seconds.
 */
export function refusal(query: Query, passed: ExclusionCounts, look: () => Survey): NodelessError {
  const { need, constraints } = query;
  const needed = describeResources(need);
  if (passed.Budget !== undefined) return budgetExceeded(query);
  if (passed.Unavailable !== undefined) {
    const message = `every offering${ofClass(query)} that fits ${needed} is unavailable now; it is tried again`;
    return new NodelessError({ code: 'InsufficientCapacity', retryable: true, message });
  }
  const { exclusions, tooSmall } = look();
  const asked = describeConstraints(constraints);
  const what = asked.length === 0 ? '' : ` and is ${asked.join(' and ')}`;
  const nearest = nearestOf(tooSmall, need);
  const hint =
    nearest === undefined
      ? Object.keys(exclusions).length === 0
        ? 'the provider has no offerings'
        : `of all offerings ${describeExclusions(exclusions)}`
      : `the nearest, ${nearest.offering.instanceType} with ${describeResources(nearest.counted)}, lacks ${shortOf(nearest.counted, need).join(' and ')}`;
  const globs = exclusions.InstanceType === undefined ? '' : describeGlobs(query.cellClass);
  const message = `no offering${ofClass(query)} fits ${needed}${what}: ${hint}${globs}`;
  return new NodelessError({ code: 'NoOffering', message });
}
