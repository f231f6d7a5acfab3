import { isRecordedAgent } from '../core/agent-record.ts';
import { SetsByKey } from '../core/sets-by-key.ts';
import { revisionOf } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { wantedCompany } from '../placement/company.ts';

/** The pods of the virtual node as this process knows them best: an answer to a write of its own overtakes the watch. */
export class NodePods {
  readonly #byUid = new Map<string, WirePod>();
  readonly #byNamespace = new SetsByKey();
  /** Uids of the pods that require others on their host. */
  readonly #seekers = new SetsByKey();
  /** Uids of the pods that have been made agents. */
  readonly #agents = new Set<string>();

  get(uid: string): WirePod | undefined {
    return this.#byUid.get(uid);
  }

  /** Takes a state of a pod, unless a newer one is known. */
  observe(pod: WirePod): void {
    const { uid = '', namespace = 'default' } = pod.metadata;
    const known = this.#byUid.get(uid);
    if (known !== undefined && revisionOf(known) > revisionOf(pod)) return;
    this.#byUid.set(uid, pod);
    if (isRecordedAgent(pod)) this.#agents.add(uid);
    if (known !== undefined) return;
    this.#byNamespace.add(namespace, uid);
    if (wantedCompany(pod).length > 0) this.#seekers.add(namespace, uid);
  }

  remove(pod: WirePod): void {
    const { uid = '', namespace = 'default' } = pod.metadata;
    this.#byUid.delete(uid);
    this.#byNamespace.delete(namespace, uid);
    this.#seekers.delete(namespace, uid);
    this.#agents.delete(uid);
  }

  /** The pods that have been made agents. */
  agents(): readonly WirePod[] {
    return this.#pods([...this.#agents]);
  }

  inNamespace(namespace: string): readonly WirePod[] {
    return this.#pods(this.#byNamespace.values(namespace));
  }

  /** The pods of a namespace that require others on their host. */
  seekersIn(namespace: string): readonly WirePod[] {
    return this.#pods(this.#seekers.values(namespace));
  }

  #pods(uids: readonly string[]): readonly WirePod[] {
    return uids.flatMap((uid) => this.#byUid.get(uid) ?? []);
  }
}
