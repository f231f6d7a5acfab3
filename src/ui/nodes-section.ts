import { numberOf } from '../core/quantity.ts';
import { numbersOf, type Resources } from '../core/resources.ts';
import { type Section, sectionOf } from './section.ts';

export interface NodeFacts {
  /** What the virtual node advertises: Kubernetes quantities by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  /** What its pods request, by resource name, in cores, bytes or a number. */
  readonly requested: Readonly<Record<string, number>>;
  /** What machines that are there can give to pods. */
  readonly machines: Resources;
  readonly machineCount: number;
}

const GIB = 2 ** 30;

/** `1.5`, `1.5 of 1024`, `12 GiB`, `12 of 4096 GiB`. */
function formatAmounts(resource: string, ...amounts: readonly number[]): string {
  const isBytes = resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-');
  const rounded = amounts.map((amount) => Math.round((isBytes ? amount / GIB : amount) * 100) / 100);
  return `${rounded.join(' of ')}${isBytes ? ' GiB' : ''}`;
}

function onMachines(resource: string, { machines, machineCount }: NodeFacts): number {
  return { ...numbersOf(machines), pods: machineCount }[resource] ?? 0;
}

/** The first column: what the virtual node advertises, what pods ask of that, and what machines there are for them. */
export function nodesSection(facts: NodeFacts): Section {
  return sectionOf(
    {
      id: 'nodes',
      title: 'Nodes',
      columns: [
        { name: 'Resource' },
        { name: 'Requested of advertised', kind: 'number' },
        { name: 'Machines', kind: 'number' },
      ],
      empty: 'The node advertises nothing.',
    },
    Object.entries(facts.capacity).map(([resource, quantity]) => {
      const advertised = numberOf(quantity);
      const requested = facts.requested[resource] ?? 0;
      const used = formatAmounts(resource, requested, advertised);
      const values = [resource, used, formatAmounts(resource, onMachines(resource, facts))];
      return { values, ...(advertised > 0 && requested >= advertised ? { tone: 'bad' as const } : {}) };
    }),
  );
}
