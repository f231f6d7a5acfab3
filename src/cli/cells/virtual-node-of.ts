import { ZONE_LABEL } from '../../core/constraints.ts';
import { NodelessError } from '../../core/errors.ts';
import { VIRTUAL_NODE_LABEL, zoneNodeName } from '../../core/names.ts';
import type { KubeClient } from '../../kube/client.ts';
import { readCell } from './one-cell.ts';

/** Name of the virtual node of a cell. @throws NodelessError NotFound */
export async function virtualNodeOf(client: KubeClient, cellId: string): Promise<string> {
  const { [VIRTUAL_NODE_LABEL]: group, [ZONE_LABEL]: zone } = (await readCell(client, cellId)).metadata.labels ?? {};
  if (group !== undefined) return zone === undefined ? group : zoneNodeName(group, zone);
  throw new NodelessError({ code: 'NotFound', message: `the Cell object ${cellId} is of no virtual node` });
}
