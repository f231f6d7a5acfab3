import { type CellClass, parseCellClass } from '../core/cell-class.ts';
import { isNodelessError, NodelessError } from '../core/errors.ts';
import { CELL_CLASS_LABEL } from '../core/names.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** Name of the class that holds where there is no other; no object can have it. */
export const BUILT_IN_CLASS = '(built-in)';

/** The class without any say: every offering counts, and nothing is limited. */
const BUILT_IN: CellClass = { name: BUILT_IN_CLASS, spec: parseCellClass({ metadata: { name: BUILT_IN_CLASS } }).spec };

export interface ClassSources {
  readonly classes: Pick<CollectionReader<KubeObject>, 'synced' | 'items' | 'get'>;
  readonly namespaces: Pick<CollectionReader<KubeObject>, 'synced' | 'get'>;
}

function createdAt({ metadata }: KubeObject): string {
  return String(metadata.creationTimestamp ?? '');
}

function isDefault({ spec }: KubeObject): boolean {
  return (spec as { readonly default?: unknown } | undefined)?.default === true;
}

/** The oldest: another that says it is the default changes nothing for pods until it is the only one. */
function oldest(objects: readonly KubeObject[]): KubeObject | undefined {
  const age = (object: KubeObject) => `${createdAt(object)} ${object.metadata.name}`;
  return objects.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))[0];
}

function isFor({ spec }: CellClass, namespace: string): boolean {
  return spec.namespaces === undefined || spec.namespaces.includes(namespace);
}

/** Which CellClass a pod has: the one its label names, else its namespace's label, else the default, else the built-in one. */
export class CellClasses {
  readonly #sources: ClassSources;
  readonly #parsed = new WeakMap<KubeObject, CellClass | NodelessError>();

  constructor(sources: ClassSources) {
    this.#sources = sources;
  }

  /** @throws NodelessError NoCellClass, retryable while the classes could not be read yet */
  of(pod: Pick<WirePod, 'metadata'>): CellClass {
    this.#checkSynced();
    const { namespace = 'default', labels } = pod.metadata;
    const name = this.#pickedBy(pod);
    if (name === undefined) return this.default();
    const object = this.#sources.classes.get(undefined, name);
    const cellClass = object && this.#read(object);
    if (cellClass !== undefined && isFor(cellClass, namespace)) return cellClass;
    const who = labels?.[CELL_CLASS_LABEL] === undefined ? `namespace ${namespace}` : 'the pod';
    const why =
      cellClass === undefined
        ? 'which does not exist; create it, or change the label'
        : `which is not for namespace ${namespace}; change the label, or its spec.namespaces`;
    const message = `${who} picks CellClass ${name} by label ${CELL_CLASS_LABEL}, ${why}`;
    throw new NodelessError({ code: 'NoCellClass', message, identity: { cellClass: name } });
  }

  /** Whether a change of the class of this name may concern a pod: it picks that one, or none, so that the default counts. */
  mayHave(pod: Pick<WirePod, 'metadata'>, name: string): boolean {
    const picked = this.#pickedBy(pod);
    return picked === undefined || picked === name;
  }

  /** The class of what picks none. @throws as `of` */
  default(): CellClass {
    this.#checkSynced();
    const fallback = oldest([...this.#sources.classes.items()].filter(isDefault));
    return fallback === undefined ? BUILT_IN : this.#read(fallback);
  }

  /** The class of this name, as it is now; undefined where there is none that is valid. */
  named(name: string): CellClass | undefined {
    const object = this.#sources.classes.get(undefined, name);
    const parsed = object && this.#parse(object);
    return parsed instanceof NodelessError ? undefined : parsed;
  }

  /** The class of this name. @throws NodelessError NoCellClass */
  required(name: string): CellClass {
    this.#checkSynced();
    const object = this.#sources.classes.get(undefined, name);
    if (object !== undefined) return this.#read(object);
    const message = `there is no CellClass ${name}; create it, or name another`;
    throw new NodelessError({ code: 'NoCellClass', message, identity: { cellClass: name } });
  }

  /** Why pods with these labels can have no class, as far as is known; undefined when they can. */
  problemOf(namespace: string, labels: Readonly<Record<string, string>>): string | undefined {
    try {
      this.of({ metadata: { name: '', namespace, labels: { ...labels } } });
      return undefined;
    } catch (error) {
      if (!isNodelessError(error, 'NoCellClass')) throw error;
      return error.retryable ? undefined : error.message;
    }
  }

  /** What enforces NetworkPolicies on the cells of pods with these labels; nothing where their class is not known. */
  networkPolicyEnforcer(namespace: string, labels: Readonly<Record<string, string>>): string | undefined {
    return this.#enforcerOf(() => this.of({ metadata: { name: '', namespace, labels: { ...labels } } }));
  }

  /** The same on the node cell, which is of the default class. */
  nodeCellEnforcer(): string | undefined {
    return this.#enforcerOf(() => this.default());
  }

  #enforcerOf(read: () => CellClass): string | undefined {
    try {
      return read().spec.networkPolicyEnforcer;
    } catch (error) {
      if (!isNodelessError(error, 'NoCellClass')) throw error;
      return undefined;
    }
  }

  /** The class that a pod's label names, or else its namespace's. */
  #pickedBy({ metadata: { namespace = 'default', labels } }: Pick<WirePod, 'metadata'>): string | undefined {
    const ofNamespace = this.#sources.namespaces.get(undefined, namespace)?.metadata.labels;
    return labels?.[CELL_CLASS_LABEL] ?? ofNamespace?.[CELL_CLASS_LABEL];
  }

  #checkSynced(): void {
    const { classes, namespaces } = this.#sources;
    if (classes.synced && namespaces.synced) return;
    const message =
      'the CellClasses can not be read; are the CRDs and the RBAC of this version installed? `nodeless install` does it';
    throw new NodelessError({ code: 'NoCellClass', retryable: true, message });
  }

  #read(object: KubeObject): CellClass {
    const parsed = this.#parse(object);
    if (parsed instanceof NodelessError) throw parsed;
    return parsed;
  }

  /** Each version of an object is parsed once. */
  #parse(object: KubeObject): CellClass | NodelessError {
    const parsed = this.#parsed.get(object) ?? parse(object);
    this.#parsed.set(object, parsed);
    return parsed;
  }
}

function parse(object: KubeObject): CellClass | NodelessError {
  try {
    return parseCellClass(object);
  } catch (error) {
    if (!isNodelessError(error)) throw error;
    const { message, identity } = error;
    return new NodelessError({ code: 'NoCellClass', message, cause: error, identity });
  }
}
