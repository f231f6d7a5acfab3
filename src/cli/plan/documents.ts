import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { messageOf, NodelessError } from '../../core/errors.ts';
import type { KubeObject } from '../../kube/objects.ts';

function invalid(source: string, problem: string): NodelessError {
  return new NodelessError({ code: 'ConfigInvalid', message: `${source} ${problem}` });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a document; those of a List one by one. */
function flattened(value: unknown, source: string): readonly KubeObject[] {
  if (!isObject(value) || typeof value.kind !== 'string')
    throw invalid(source, 'has a document that is no Kubernetes object');
  if (value.kind.endsWith('List') && Array.isArray(value.items)) {
    return value.items.flatMap((item) => flattened(item, source));
  }
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const name = metadata.name ?? metadata.generateName;
  if (typeof name !== 'string') throw invalid(source, `has a ${value.kind} without a name`);
  return [{ ...value, metadata: { ...metadata, name } }];
}

/**
 * The Kubernetes objects in YAML or JSON of any number of documents, Lists taken apart.
 * @throws NodelessError ConfigInvalid when it is neither, or has no objects
 */
export function objectsOf(input: string, source: string): readonly KubeObject[] {
  const documents = parseAllDocuments(input);
  const broken = [...documents].flatMap(({ errors }) => errors)[0];
  if (broken !== undefined)
    throw invalid(source, `can not be read: ${broken.message.split('\n')[0]?.replace(/:$/, '')}`);
  const values = [...documents].map((document) => document.toJS() as unknown).filter((value) => value != null);
  if (values.length === 0) throw invalid(source, 'has no Kubernetes objects');
  return values.flatMap((value) => flattened(value, source));
}

/** The objects of a file, or of the standard input for `-`. @throws NodelessError ConfigInvalid */
export async function readObjects(file: string): Promise<readonly KubeObject[]> {
  if (file === '-') return objectsOf(await text(process.stdin), 'the standard input');
  if (/^https?:\/\//.test(file)) throw invalid(file, `is a URL; read it by: curl -s ${file} | nodeless plan -f -`);
  try {
    return objectsOf(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof NodelessError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') throw invalid(file, 'is a folder; name one of its files');
    throw invalid(file, `can not be read: ${messageOf(error)}`);
  }
}
