import { ZONE_LABEL } from '../../core/constraints.ts';
import { NodelessError } from '../../core/errors.ts';
import { CELLS_PATH, VIRTUAL_NODE_LABEL, zoneNodeName } from '../../core/names.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** Name of the virtual node of a cell. @throws NodelessError NotFound */
export async function virtualNodeOf(client: KubeClient, cellId: string): Promise<string> {
  const cell = await getOrUndefined<KubeObject>(client, `${CELLS_PATH}/${cellId}`);
  const { [VIRTUAL_NODE_LABEL]: group, [ZONE_LABEL]: zone } = cell?.metadata.labels ?? {};
  if (group !== undefined) return zone === undefined ? group : zoneNodeName(group, zone);
  const message = `there is no cell ${cellId}; \`nodeless cells\` lists those that there are`;
  throw new NodelessError({ code: 'NotFound', message });
}
