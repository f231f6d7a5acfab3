import type { CellProvider } from '../../providers/contract.ts';

/** A virtual node among several that share one provider. */
export interface ZoneNode {
  readonly name: string;
  readonly zone: string;
}

/** What one virtual node has of a provider that serves several: the offerings of its zone, and its own machines. */
export function ofZone(provider: CellProvider, { name, zone }: ZoneNode): CellProvider {
  return {
    ...provider,
    async offerings(signal) {
      return (await provider.offerings(signal)).filter((offering) => offering.zone === zone);
    },
    async list(signal) {
      return (await provider.list(signal)).filter(({ tags }) => tags.virtualNode === name);
    },
  };
}
