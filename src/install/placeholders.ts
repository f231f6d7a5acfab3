import { parseDocument } from 'yaml';
import type { KubeObject } from '../kube/objects.ts';

/** What a virtual node has of its own, by placeholder. */
export interface NodeValues {
  readonly NODE_NAME: string;
  readonly [placeholder: string]: string;
}

/** The text with each placeholder replaced; of two that begin alike, the longer one is meant. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  const names = Object.keys(values).sort((a, b) => b.length - a.length);
  return text.replace(new RegExp(names.join('|'), 'g'), (name) => values[name] ?? name);
}

/** Lists with an item about EACH_NODE, with that item for each of the nodes instead. */
function forEachNode(value: unknown, nodes: readonly string[]): unknown {
  if (Array.isArray(value))
    return value.flatMap((item) =>
      typeof item === 'string' && item.includes('EACH_NODE')
        ? nodes.map((node) => item.replaceAll('EACH_NODE', node))
        : [forEachNode(item, nodes)],
    );
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, forEachNode(member, nodes)]));
}

/** The documents of a file of manifests. */
export function documentsOf(text: string): readonly string[] {
  return text.split(/^---\n/m);
}

/** Whether a document is there once for each virtual node. */
export function isOfNode(document: string): boolean {
  return document.includes('NODE_NAME') || document.includes('NODE_CELLS_SERVICE');
}

/** The objects of a file of manifests: documents about one virtual node are there once for each. */
export function objectsOf(
  text: string,
  values: Readonly<Record<string, string>>,
  nodes: readonly NodeValues[],
): readonly KubeObject[] {
  const names = nodes.map(({ NODE_NAME }) => NODE_NAME);
  return documentsOf(text).flatMap((document) => {
    const filled = isOfNode(document)
      ? nodes.map((node) => fill(document, { ...values, ...node }))
      : [fill(document, values)];
    return filled.map((one) => forEachNode(parseDocument(one).toJS(), names) as KubeObject);
  });
}
