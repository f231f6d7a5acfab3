import type { Clock } from '../core/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { CellHandler } from './context.ts';
import { isObject } from './http/body.ts';
import type { Verb } from './http/target.ts';
import { csiNode, nodeLease, resourceSlices } from './node/absorbed.ts';
import type { CellNodes } from './node/cell-node.ts';
import type { AgentBook, CellReports } from './ports.ts';
import { podEvents } from './resources/pod-events.ts';
import type { PodFeed } from './resources/pod-feed.ts';
import { podReads } from './resources/pod-reads.ts';
import { podWrites } from './resources/pod-writes.ts';
import { referencedObjects } from './resources/referenced-objects.ts';
import { selfSubjectAccessReviews, subjectAccessReviews, tokenReviews } from './resources/reviews.ts';
import { serviceAccountTokens } from './resources/service-account-tokens.ts';
import { type Selectable, sharedReads } from './resources/shared-reads.ts';
import type { SharedWatches } from './resources/shared-watches.ts';
import type { SigningHandler } from './resources/signing-requests.ts';
import { persistentVolumeClaims, persistentVolumes } from './resources/volumes.ts';
import { type OpenRoute, READ, type Route, type Routes } from './routes.ts';

export interface ResourceRouteOptions {
  readonly virtualNode: string;
  readonly clock: Clock;
  readonly reports: CellReports;
  readonly feed: PodFeed;
  readonly agents: AgentBook;
  readonly nodes: CellNodes;
  /** The provider's own client. */
  readonly client: KubeClient;
  /** A client that is the virtual node to the API server. */
  readonly nodeClient: KubeClient;
  /** Watches of single objects, kept a while after their last use. */
  readonly objectWatches: SharedWatches;
  /** Watches of whole collections, kept. */
  readonly collectionWatches: SharedWatches;
  readonly signing: SigningHandler;
}

/** What every node may read: group, version, kind, plural, namespaced. */
const SHARED = [
  ['', 'v1', 'Service', 'services', true],
  ['discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices', true],
  ['networking.k8s.io', 'v1', 'ServiceCIDR', 'servicecidrs', false],
  ['storage.k8s.io', 'v1', 'CSIDriver', 'csidrivers', false],
  ['node.k8s.io', 'v1', 'RuntimeClass', 'runtimeclasses', false],
] as const;

/** Kubelets leave headless Services out. */
const SELECTABLE: Readonly<Record<string, Selectable>> = {
  services: { 'spec.clusterIP': ({ spec }) => (isObject(spec) ? spec.clusterIP : undefined) },
};

function route(key: string, verbs: readonly Verb[], handle: CellHandler): [string, readonly Route[]] {
  return [key, [{ verbs, handle }]];
}

function sharedRoutes({
  client,
  clock,
  collectionWatches: watches,
}: ResourceRouteOptions): [string, readonly Route[]][] {
  return SHARED.map(([group, version, kind, resource, namespaced]) => {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const path = group === '' ? `/api/${version}/${resource}` : `/apis/${group}/${version}/${resource}`;
    const names = { kind: { apiVersion, kind, resource }, path, namespaced };
    const handle = sharedReads({ client, clock, watches, ...names, selectable: SELECTABLE[resource] ?? {} });
    return route(`${group}/${version}/${resource}`, READ, handle);
  });
}

/** Everything that a cell may do; whatever is not here is denied. */
export function resourceRoutes(options: ResourceRouteOptions): Routes {
  const { virtualNode, clock, reports, feed, agents, nodes, nodeClient, objectWatches: watches, signing } = options;
  const ofPods = { feed, nodeClient, clock };
  const referenced = (kind: string, resource: string, reference: 'secrets' | 'configMaps'): CellHandler =>
    referencedObjects({ ...ofPods, watches, reference, kind: { apiVersion: 'v1', kind, resource } });
  const events = podEvents({ ...ofPods, virtualNode });
  const write = podWrites({ ...ofPods, agents });
  const signingRoute: OpenRoute = { verbs: ['create', ...READ], handleOpen: signing };
  return new Map<string, readonly (Route | OpenRoute)[]>([
    [
      '/v1/pods',
      [
        { verbs: READ, handle: podReads({ feed, virtualNode }) },
        { verbs: ['delete'], handle: write },
      ],
    ],
    route('/v1/pods/status', ['patch'], write),
    route('/v1/pods/eviction', ['create'], write),
    route('/v1/secrets', READ, referenced('Secret', 'secrets', 'secrets')),
    route('/v1/configmaps', READ, referenced('ConfigMap', 'configmaps', 'configMaps')),
    route('/v1/serviceaccounts/token', ['create'], serviceAccountTokens(ofPods)),
    route('/v1/persistentvolumeclaims', ['get'], persistentVolumeClaims(ofPods)),
    route('/v1/persistentvolumes', ['get'], persistentVolumes(ofPods)),
    route('/v1/events', ['create', 'update', 'patch'], events),
    route('events.k8s.io/v1/events', ['create', 'update', 'patch'], events),
    route('/v1/nodes', [...READ, 'create', 'update', 'patch'], nodes.handle),
    route('/v1/nodes/status', ['update', 'patch'], nodes.handle),
    route(
      'coordination.k8s.io/v1/leases',
      [...READ, 'create', 'update', 'patch'],
      nodeLease(virtualNode, clock, reports),
    ),
    route('storage.k8s.io/v1/csinodes', [...READ, 'create', 'update', 'patch', 'delete'], csiNode(virtualNode, clock)),
    route('resource.k8s.io/v1/resourceslices', ['list', 'watch', 'deletecollection'], resourceSlices),
    route('authorization.k8s.io/v1/subjectaccessreviews', ['create'], subjectAccessReviews),
    route('authorization.k8s.io/v1/selfsubjectaccessreviews', ['create'], selfSubjectAccessReviews),
    route('authentication.k8s.io/v1/tokenreviews', ['create'], tokenReviews),
    ['certificates.k8s.io/v1/certificatesigningrequests', [signingRoute]],
    ...sharedRoutes(options),
  ]);
}
