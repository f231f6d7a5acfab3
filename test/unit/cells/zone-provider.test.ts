import { describe, expect, onTestFinished, test } from 'vitest';
import { createSimulatedCloud } from '../../../providers/simulated/cloud.ts';
import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import { createSimulatedProvider } from '../../../providers/simulated/provider.ts';
import { ofZone } from '../../../src/cells/zone-provider.ts';
import { cellClass } from '../../support/cell-class.ts';

const { signal } = new AbortController();
const NODES = ['n-a', 'n-b'] as const;

/** A cloud of two zones with a machine of each node, one of another installation, and one of another cluster. */
async function world() {
  const cloud = createSimulatedCloud({ offerings: simulatedOfferings(['a', 'b']), kubelet: async () => undefined });
  onTestFinished(() => cloud.close());
  const provider = createSimulatedProvider({ cloud, owner: { clusterUid: 'c', virtualNodes: NODES } });
  const [offering] = await provider.offerings(signal);
  if (offering === undefined) throw new Error('no offerings');
  const bootstrap = { cellApiUrl: 'https://127.0.0.1:1', caPem: '', nodeName: '', clusterDns: '', clusterDomain: '' };
  const launch = (virtualNode: string, clusterUid = 'c') => {
    const tags = { clusterUid, virtualNode, cellId: `${clusterUid}-${virtualNode}`, pod: 'ns/p', podUid: 'u' };
    return provider.launch({ tags, offering, cellClass: cellClass(), bootstrap }, signal);
  };
  for (const name of [...NODES, 'n']) await launch(name);
  await launch('n-a', 'other');
  return provider;
}

describe('a provider that several virtual nodes share', () => {
  test('tells of the machines of all of them, and of nobody else’s', async () => {
    const provider = await world();
    expect((await provider.list(signal)).map(({ tags }) => tags.cellId)).toEqual(['c-n-a', 'c-n-b']);
  });

  test('has for each node the offerings of its zone and its own machines alone', async () => {
    const provider = await world();
    const own = ofZone(provider, { name: 'n-b', zone: 'b' });
    expect((await own.list(signal)).map(({ tags }) => tags.cellId)).toEqual(['c-n-b']);
    const offerings = await own.offerings(signal);
    expect(offerings.length).toBeGreaterThan(0);
    expect(new Set(offerings.map(({ zone }) => zone))).toEqual(new Set(['b']));
  });
});
