import type { Registry } from 'prom-client';
import packageJson from '../package.json' with { type: 'json' };
import type { Book } from './cells/book.ts';
import { virtualNodesOf } from './config/virtual-nodes.ts';
import type { CollectionReader } from './kube/collection.ts';
import { hasCondition } from './kube/objects.ts';
import type { WirePod } from './kube/wire-pod.ts';
import type { Page } from './kubelet-endpoint/ports.ts';
import type { Decisions } from './ui/decisions.ts';
import { ledSource } from './ui/led-source.ts';
import { createPage } from './ui/server.ts';
import type { Led } from './virtual-node-service.ts';

export interface PageService extends Led {
  readonly book: Book;
  readonly pods: CollectionReader<WirePod>;
  readonly decisions: Decisions;
  /** What the virtual node advertises. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly registry: Registry;
}

/** The page of a virtual node (docs/ui.md): only who leads it knows its cells, so it is served where the cells' metrics are. */
export function servePage(service: PageService): Promise<Page> {
  const { config, node, virtualNodes, leadership, nodeClient, provider, clock, logger, registry } = service;
  const { book, pods, decisions, capacity } = service;
  const nodes = virtualNodesOf(config).map(({ name }) => name);
  const source = ledSource({
    node: node.name,
    version: packageJson.version,
    provider: provider.name,
    ...{ capacity, book, pods, decisions, clock },
    pools: service.shared.warmPools,
    client: nodeClient,
    mayAct: () => leadership.isHeld(),
    virtualNodes: () =>
      nodes.map((name) => {
        const ready = hasCondition(virtualNodes.get(undefined, name), 'Ready');
        return { name, ready, led: name === node.name };
      }),
  });
  return createPage({ source, registry, clock, logger });
}
