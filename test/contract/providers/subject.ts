import type { CellProvider } from '../../../providers/contract.ts';

/** One cloud under the contract suite, and the levers that only a test has. */
export interface CloudUnderTest {
  /** A new provider over the same cloud, as after a restart; already started. */
  provider(): Promise<CellProvider>;
  /** Where cells bootstrap. */
  readonly cellApiUrl: string;
  readonly caPem: string;
  /** Range that every cell's address is in. */
  readonly cellCidr: string;
  /** The token that the cell's machine was given. */
  token(cellId: string): Promise<string>;
  /** The time within which a launched machine's first request reaches the cell API. */
  bootstrapped(cellId: string): Promise<void>;
  /** Ends the machine without the provider's doing. */
  kill(cellId: string): Promise<void>;
  /** What is left of cells outside of the provider's books: processes, mounts, links, cgroups, files. */
  remains(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A provider that the suite is run over. */
export interface Subject {
  readonly name: string;
  /** Why it can't run on this machine; undefined when it can. */
  readonly skipReason: string | undefined;
  /** False while its machines do not boot: then there are neither tokens nor who asks for certificates. */
  readonly boots: boolean;
  open(): Promise<CloudUnderTest>;
}
