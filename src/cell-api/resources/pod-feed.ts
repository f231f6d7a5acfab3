import type { Change, CollectionReader } from '../../kube/collection.ts';
import { type KubeObject, revisionOf } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { notReady } from '../http/refusal.ts';
import type { AgentBook, CellBook } from '../ports.ts';
import type { CellSession, ShownPod } from '../session.ts';
import { differInStatusAlone, ownView } from './agent-view.ts';

/** `onlyStatus` tells of a change that concerns the pod's status alone. */
type PodListener = (change: Change<KubeObject>, onlyStatus: () => boolean) => void;

/** Pods that a cell is remembered to have had; only a node cell ever has more than a few. */
const MAX_SHOWN = 1_000;

export interface PodFeedOptions {
  readonly book: CellBook & AgentBook;
  readonly pods: CollectionReader<KubeObject>;
}

/** The virtual node's pods by uid, and who follows which; a change costs only its own followers. */
export class PodFeed {
  readonly #options: PodFeedOptions;
  readonly #byUid = new Map<string, KubeObject>();
  readonly #followers = new Map<string, Set<PodListener>>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: PodFeedOptions) {
    this.#options = options;
  }

  start(): void {
    for (const pod of this.#options.pods.items()) this.#byUid.set(pod.metadata.uid ?? '', pod);
    this.#unsubscribe = this.#options.pods.subscribe((change) => this.#take(change));
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  /** @throws Refusal 503 until what a cell has is known completely: a kubelet ends what a list lacks. */
  requireComplete(): void {
    const { book, pods } = this.#options;
    if (!book.complete || !pods.synced) throw notReady('the provider is still reading the state of the cluster');
  }

  /** @throws Refusal 503 also until it is known which agents the cell has. */
  requireKnown({ cellId }: CellSession): void {
    this.requireComplete();
    if (!this.#options.book.knowsAgents(cellId)) throw notReady('the provider waits for the status of the cell’s node');
  }

  get resourceVersion(): string {
    return this.#options.pods.resourceVersion;
  }

  /** What changed after a version; `expired` when that is not known here. */
  changesSince(resourceVersion: string): readonly Change<KubeObject>[] | 'expired' {
    return this.#options.pods.changesSince(resourceVersion);
  }

  /** The pods that were handed over to a cell and that exist. @throws Refusal 503 */
  podsOf(session: CellSession): WirePod[] {
    this.requireComplete();
    const pods: WirePod[] = [];
    for (const uid of this.#options.book.podUids(session.cellId)) {
      const pod = this.#byUid.get(uid);
      if (pod !== undefined) pods.push(this.show(session, pod) as WirePod);
    }
    return pods;
  }

  uidsOf(session: CellSession): ReadonlySet<string> {
    return this.#options.book.podUids(session.cellId);
  }

  /**
   * Pods that a cell was shown and has no more, though they are there still: agents that its kubelet has ended, of which a
   * watch that was broken then has not told it.
   */
  takenFrom(session: CellSession): readonly KubeObject[] {
    const has = this.uidsOf(session);
    return [...session.shown.keys()].filter((uid) => !has.has(uid)).flatMap((uid) => this.#byUid.get(uid) ?? []);
  }

  byUid(uid: string): KubeObject | undefined {
    return this.#byUid.get(uid);
  }

  /** The cell's own pod of this name. @throws Refusal 503 */
  podNamed(session: CellSession, namespace: string | undefined, name: string | undefined): WirePod | undefined {
    return this.podsOf(session).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  }

  /** True for a name of a pod that the cell had; it may know that this pod is gone. */
  hadPod(session: CellSession, namespace: string | undefined, name: string | undefined): boolean {
    for (const shown of session.shown.values()) {
      if (shown.name === name && shown.namespace === namespace) return true;
    }
    return false;
  }

  /** Follows one pod, which may not have come yet; the returned function ends that. */
  follow(uid: string, listener: PodListener): () => void {
    const followers = this.#followers.get(uid) ?? new Set();
    this.#followers.set(uid, followers.add(listener));
    return () => {
      followers.delete(listener);
      if (followers.size === 0) this.#followers.delete(uid);
    };
  }

  onShown(session: CellSession, listener: (uid: string) => void): () => void {
    return this.#options.book.onShown(session.cellId, listener);
  }

  /** Whether a pod is an agent in this cell, with a status of its own there. */
  isAgent({ cellId }: CellSession, { metadata }: KubeObject): boolean {
    return this.#options.book.agentStatus(cellId, metadata.uid ?? '') !== undefined;
  }

  /** Remembers that a cell knows of a pod. */
  shown(session: CellSession, pod: KubeObject): ShownPod {
    const uid = pod.metadata.uid ?? '';
    const known = session.shown.get(uid);
    if (known !== undefined) return known;
    const { name, namespace = '' } = pod.metadata;
    const shown: ShownPod = { name, namespace };
    session.shown.set(uid, shown);
    if (session.shown.size > MAX_SHOWN) this.#forgetGone(session);
    return shown;
  }

  #forgetGone(session: CellSession): void {
    for (const uid of session.shown.keys()) {
      if (!this.#byUid.has(uid)) session.shown.delete(uid);
      if (session.shown.size <= MAX_SHOWN / 2) return;
    }
  }

  /**
   * A pod as a cell sees it. A cell reads its own writes: what upstream answered to one may be newer than the shared cache.
   * Of an agent it sees what it has told itself, or its kubelet would make its own what others have told.
   */
  show(session: CellSession, pod: KubeObject): KubeObject {
    const shown = this.shown(session, pod);
    const agent = this.#options.book.agentStatus(session.cellId, pod.metadata.uid ?? '');
    if (agent !== undefined) return ownView(shown, pod, agent.status);
    if (shown.newest === undefined) return pod;
    if (revisionOf(shown.newest) > revisionOf(pod)) return shown.newest;
    delete shown.newest;
    return pod;
  }

  #take(change: Change<KubeObject>): void {
    const uid = change.object.metadata.uid ?? '';
    const before = this.#byUid.get(uid);
    let same: boolean | undefined;
    const onlyStatus = () => {
      same ??= change.type === 'MODIFIED' && before !== undefined && differInStatusAlone(before, change.object);
      return same;
    };
    if (change.type === 'DELETED') this.#byUid.delete(uid);
    else this.#byUid.set(uid, change.object);
    for (const listener of this.#followers.get(uid) ?? []) listener(change, onlyStatus);
  }
}
