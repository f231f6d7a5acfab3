import { type LabelSelector, selects } from '../core/label-selector.ts';
import type { CollectionReader } from './collection.ts';
import type { KubeObject } from './objects.ts';

export interface NetworkPolicy extends KubeObject {
  spec?: { podSelector?: LabelSelector };
}

const EVERY_POD: LabelSelector = {};

type Labels = Readonly<Record<string, string>>;

/** NetworkPolicies by namespace, so that a pod is held against its own namespace's alone. */
export class NetworkPolicyIndex {
  readonly #byNamespace = new Map<string, Map<string, NetworkPolicy>>();

  readonly #policies: Pick<CollectionReader<NetworkPolicy>, 'synced'>;

  constructor(policies: CollectionReader<NetworkPolicy>) {
    this.#policies = policies;
    for (const policy of policies.items()) this.#put(policy);
    policies.subscribe(({ type, object }) => {
      if (type === 'DELETED') this.#remove(object);
      else this.#put(object);
    });
  }

  /** False as long as there may be policies that are not known here. */
  get synced(): boolean {
    return this.#policies.synced;
  }

  /** Name of a policy that selects pods of these labels, or undefined. */
  selecting(namespace: string, labels: Labels): string | undefined {
    for (const { metadata, spec } of this.#byNamespace.get(namespace)?.values() ?? []) {
      if (selects(spec?.podSelector ?? EVERY_POD, labels)) return metadata.name;
    }
    return undefined;
  }

  #put(policy: NetworkPolicy): void {
    const { namespace = '', name } = policy.metadata;
    const policies = this.#byNamespace.get(namespace) ?? new Map<string, NetworkPolicy>();
    this.#byNamespace.set(namespace, policies.set(name, policy));
  }

  #remove({ metadata: { namespace = '', name } }: NetworkPolicy): void {
    const policies = this.#byNamespace.get(namespace);
    policies?.delete(name);
    if (policies?.size === 0) this.#byNamespace.delete(namespace);
  }
}
