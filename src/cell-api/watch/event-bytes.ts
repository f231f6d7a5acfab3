import type { KubeObject } from '../../kube/objects.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

const objects = new WeakMap<KubeObject, Buffer>();
const CLOSE = Buffer.from('}\n');

function json(object: KubeObject): Buffer {
  const known = objects.get(object);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify(object));
  objects.set(object, bytes);
  return bytes;
}

let last: { readonly type: EventType; readonly object: KubeObject; readonly line: Buffer } | undefined;

/** One line of a watch; objects are immutable, and a change is serialised once however many watch it. */
export function eventBytes(type: EventType, object: KubeObject): Buffer {
  if (last?.object === object && last.type === type) return last.line;
  const line = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), json(object), CLOSE]);
  last = { type, object, line };
  return line;
}

/** A bookmark of a kind at a version. */
export function bookmarkBytes(apiVersion: string, kind: string, resourceVersion: string): Buffer {
  const object = { kind, apiVersion, metadata: { resourceVersion, creationTimestamp: null } };
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
}

/** A list of objects of one kind. */
export function listBytes(
  apiVersion: string,
  kind: string,
  resourceVersion: string,
  items: Iterable<KubeObject>,
): Buffer {
  const head = JSON.stringify({ kind: `${kind}List`, apiVersion, metadata: { resourceVersion } });
  const parts: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  let first = true;
  for (const item of items) {
    if (!first) parts.push(Buffer.from(','));
    parts.push(json(item));
    first = false;
  }
  parts.push(Buffer.from(']}'));
  return Buffer.concat(parts);
}

/** An object's bytes. */
export function objectBytes(object: KubeObject): Buffer {
  return json(object);
}
