import { Refusal } from '../http/refusal.ts';

/** Of labels and annotations together: what Kubernetes allows an object's annotations. */
const METADATA_LIMIT_BYTES = 256 * 1024;
/** Of a node's status, or another object that is kept for a cell's kubelet; kubelets write a tenth of it. */
const OBJECT_LIMIT_BYTES = 256 * 1024;
/** Labels, and annotations, that one cell may have written; kubelets write a dozen. */
const MAX_KEYS = 200;

type Values = Readonly<Record<string, string | null>>;

function tooMuch(message: string): Refusal {
  return new Refusal(422, message, { denial: 'limit' });
}

function bytesOf(values: Values): number {
  return Object.entries(values).reduce((sum, [key, value]) => {
    return sum + Buffer.byteLength(key) + Buffer.byteLength(value ?? '');
  }, 0);
}

/** Keeps a cell from filling the provider's memory by its Node's metadata. @throws Refusal 422 */
export function requireSmallMetadata(labels: Values, annotations: Values): void {
  if (Math.max(Object.keys(labels).length, Object.keys(annotations).length) > MAX_KEYS) {
    throw tooMuch(`the node has more than ${MAX_KEYS} labels or annotations`);
  }
  if (bytesOf(labels) + bytesOf(annotations) > METADATA_LIMIT_BYTES) {
    throw tooMuch(`the labels and annotations of the node are larger than ${METADATA_LIMIT_BYTES} bytes`);
  }
}

/** Keeps a cell from filling the provider's memory by an object that is kept for it. @throws Refusal 422 */
export function requireSmallObject(object: object): void {
  if (Buffer.byteLength(JSON.stringify(object)) > OBJECT_LIMIT_BYTES) {
    throw tooMuch(`the object is larger than ${OBJECT_LIMIT_BYTES} bytes`);
  }
}
