/** Where a contestant's pods may run. */
export interface PodPlace {
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly object[];
}

/** Something that makes pods Ready on a control plane, in one process of its own. */
export interface Contestant {
  readonly name: string;
  readonly place: PodPlace;
  /** Starts it and waits until its node is Ready; resolves with its process id. */
  start(): Promise<number>;
  /** Ends it and removes its node. */
  stop(): Promise<void>;
}
