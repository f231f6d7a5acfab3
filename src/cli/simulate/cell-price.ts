import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import { NodelessError } from '../../core/errors.ts';
import { byPrice } from '../../core/offerings.ts';
import { type Resources, resourcesOf } from '../../core/resources.ts';

function sizeOf(shape: string): Resources {
  const [cpu, memory, ...more] = shape.split('/');
  try {
    if (cpu && memory && more.length === 0) return resourcesOf({ cpu, memory });
  } catch {
    // Told below, as any other shape that is none.
  }
  const message = `the shape "${shape}" is not CPU/MEMORY such as 500m/1Gi`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}

/**
 * What an hour costs of the cheapest simulated cell that a shape fits.
 * @throws NodelessError ConfigInvalid when it is no shape, NoOffering when it is too large
 */
export function priceOfShape(shape: string): number {
  const { cpuMilli, memoryBytes } = sizeOf(shape);
  const [cheapest] = simulatedOfferings(['simulated-a'])
    .filter(({ allocatable }) => allocatable.cpuMilli >= cpuMilli && allocatable.memoryBytes >= memoryBytes)
    .toSorted(byPrice);
  if (cheapest !== undefined) return cheapest.pricePerHourUsd;
  throw new NodelessError({ code: 'NoOffering', message: `no simulated cell is large enough for the shape ${shape}` });
}
