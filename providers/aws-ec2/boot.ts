import type { Attestation, BootstrapEvidence, LaunchRequest } from '../contract.ts';

/** What a machine starts with. */
export interface BootImage {
  /** Such as `ami-0abcdef1234567890`, of the offering's architecture. */
  readonly imageId: string;
  /** Name of the image's root device, such as `/dev/xvda`. */
  readonly rootDevice: string;
  /** The same for every cell of a class, an architecture and a bootstrap, so without anything secret. */
  readonly userData: Uint8Array;
}

/** How machines become cells: what they start with, and how they prove which they are. */
export interface CellBoot {
  image(request: Omit<LaunchRequest, 'tags'>, signal: AbortSignal): Promise<BootImage>;
  /** As the provider contract has it. */
  attest(evidence: BootstrapEvidence, signal: AbortSignal): Promise<Attestation>;
}
