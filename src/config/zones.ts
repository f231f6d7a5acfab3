import { z } from 'zod';
import { ZONE_LABEL } from '../core/constraints.ts';
import { durationField as duration } from '../core/duration-field.ts';
import { zoneNodeName } from '../core/names.ts';

/** The section about zones. */
export const zones = z.strictObject({
  names: z
    .array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a zone is lower-case letters, digits and -'))
    .refine((names) => new Set(names).size === names.length, 'names a zone twice')
    .default([])
    .describe('Zones that have a virtual node each, NAME-ZONE; without any there is one virtual node for all zones.'),
  rescheduleAfter: duration
    .prefault('30s')
    .describe('How long a pod waits in an exhausted zone before its controller may make another elsewhere.'),
  recoverAfter: duration
    .prefault('60s')
    .describe('How long an exhausted zone gets no new pods at least; longer when it is exhausted again soon.'),
});

/** What of a whole configuration zones have a say in. */
interface Concerned {
  readonly virtualNode: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly cellApi: { readonly port: number };
  readonly kubeletEndpoint: { readonly port: number };
  readonly webhook: { readonly enabled: boolean; readonly port: number };
  readonly zones: z.output<typeof zones>;
}

const LONGEST_NODE_NAME = 63;

/** Where listeners of one process, which take a port for each zone, are in each other's way. */
function portsMeet({ cellApi, kubeletEndpoint, webhook: { enabled, port: ofWebhooks }, zones: { names } }: Concerned) {
  const ranges = [
    { first: cellApi.port, last: cellApi.port + names.length - 1 },
    { first: kubeletEndpoint.port, last: kubeletEndpoint.port + names.length - 1 },
    ...(enabled ? [{ first: ofWebhooks, last: ofWebhooks }] : []),
  ];
  const isWrong = ranges.some(({ first, last }) => first === 0 || last > 65_535);
  return isWrong || ranges.some((a, i) => ranges.some((b, j) => i < j && a.first <= b.last && b.first <= a.last));
}

/** What zones make wrong of what is right without them. */
export function checkZones(config: Concerned, context: z.RefinementCtx): void {
  const { zones: ofNodes, virtualNode: node } = config;
  const wrong = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (ofNodes.names.length === 0) return;
  const long = ofNodes.names.find((zone) => zoneNodeName(node.name, zone).length > LONGEST_NODE_NAME);
  if (long !== undefined)
    wrong(
      ['zones', 'names'],
      `the node name ${zoneNodeName(node.name, long)} is longer than ${LONGEST_NODE_NAME} characters`,
    );
  if (Object.hasOwn(node.labels, ZONE_LABEL))
    wrong(['virtualNode', 'labels'], `${ZONE_LABEL} is the zone of each virtual node; remove it`);
  if (portsMeet(config))
    wrong(
      ['zones', 'names'],
      'each zone takes a port from cellApi.port and from kubeletEndpoint.port on: choose them, and webhook.port, further apart',
    );
}
