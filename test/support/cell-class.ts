import { type CellClass, parseCellClass } from '../../src/core/cell-class.ts';

/** A class by its spec; one without any say unless given. */
export function cellClass(spec: object = {}, name = 'any'): CellClass {
  return parseCellClass({ metadata: { name }, spec });
}
