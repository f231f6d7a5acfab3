import { ZONE_LABEL } from '../core/constraints.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Spending } from './spending.ts';

interface CellStatus {
  readonly cellClass?: string;
  readonly pricePerHourUsd?: string;
}

/**
 * Counts the cells of other zones to the budgets of their classes, as their Cell objects tell: other replicas may lead those
 * zones. So a budget may be exceeded by what they launch within the moment that the objects take. Until they have been listed,
 * classes with a budget get no cells.
 * @returns what ends it
 */
export function countCellsElsewhere(
  spending: Pick<Spending, 'hold' | 'release' | 'completeWhen'>,
  cells: Pick<CollectionReader<KubeObject>, 'items' | 'subscribe' | 'synced'>,
  zone: string,
): () => void {
  const isElsewhere = ({ metadata }: KubeObject) => metadata.labels?.[ZONE_LABEL] !== zone;
  const count = ({ metadata, status }: KubeObject) => {
    const { cellClass, pricePerHourUsd = '0' } = (status ?? {}) as CellStatus;
    if (cellClass !== undefined && cellClass !== '') spending.hold(metadata.name, cellClass, Number(pricePerHourUsd));
  };
  spending.completeWhen(() => cells.synced);
  for (const cell of cells.items()) if (isElsewhere(cell)) count(cell);
  return cells.subscribe(({ type, object }) => {
    if (!isElsewhere(object)) return;
    if (type === 'DELETED') spending.release(object.metadata.name);
    else count(object);
  });
}
