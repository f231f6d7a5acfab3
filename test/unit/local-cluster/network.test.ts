import { describe, expect, it } from 'vitest';
import { freeLinkSubnet } from '../../../src/local-cluster/network/addresses.ts';
import { enterCommand, networkNames } from '../../../src/local-cluster/network/names.ts';
import { namespaceCommands, takenRanges } from '../../../src/local-cluster/network/namespace.ts';
import { deletionsOf, outboundCommands } from '../../../src/local-cluster/network/outbound.ts';

describe('the link between a cluster and the machine', () => {
  it('has the same addresses each time, inside 10.201.0.0/16', () => {
    const subnet = freeLinkSubnet('demo', []);
    expect(freeLinkSubnet('demo', [])).toEqual(subnet);
    expect(subnet.cidr).toMatch(/^10\.201\.\d+\.\d+\/30$/);
    expect(subnet.hostAddress).not.toBe(subnet.address);
  });

  it('moves on when its first choice is taken, in whole or in part', () => {
    const first = freeLinkSubnet('demo', []);
    for (const taken of [first.cidr, first.address, first.address.replace(/\d+$/, '0/24')]) {
      expect(freeLinkSubnet('demo', [taken]).cidr).not.toBe(first.cidr);
    }
  });

  it('is not kept away by a default route or a wide private one', () => {
    const first = freeLinkSubnet('demo', []);
    expect(freeLinkSubnet('demo', ['0.0.0.0/0', '10.0.0.0/8'])).toEqual(first);
  });

  it('says so when nothing is free', () => {
    expect(() => freeLinkSubnet('demo', ['10.201.0.0/16'])).toThrow(/every \/30/);
  });

  it('reads what is taken from what ip prints, IPv6 and the default route left out', () => {
    const routes = JSON.stringify([{ dst: 'default' }, { dst: '10.201.0.4/30' }, { dst: '10.201.0.5' }]);
    const addresses = JSON.stringify([{ addr_info: [{ local: '192.0.2.2', prefixlen: 24 }] }, {}]);
    expect(takenRanges(routes, addresses)).toEqual(['10.201.0.4/30', '10.201.0.5', '192.0.2.2/24']);
  });
});

describe('names in the kernel', () => {
  it('fit its 15 characters for links and differ between clusters', () => {
    const a = networkNames('a-cluster-with-a-name-too-long');
    expect(a.hostLink.length).toBeLessThanOrEqual(15);
    expect(a.hostLink).not.toBe(networkNames('another').hostLink);
  });

  it('are refused when they could mean something to a shell or a path', () => {
    for (const name of ['', '../x', 'A', 'a b', '-a', 'a'.repeat(31)]) expect(() => networkNames(name)).toThrow();
  });
});

describe('the namespace', () => {
  const names = networkNames('demo');
  const subnet = freeLinkSubnet('demo', []);

  it('has no default route unless the way out is opened', () => {
    expect(namespaceCommands(names, subnet).flat()).not.toContain('default');
    expect(outboundCommands(names, subnet).flat()).toContain('default');
  });

  it('is entered by nsenter, which leaves /sys as it is', () => {
    expect(enterCommand('nodeless-demo')).toEqual(['nsenter', '--net=/run/netns/nodeless-demo', '--']);
  });

  it('has every rule that it adds to the machine found again by its comment, and no other', () => {
    const saved = `*filter
-A FORWARD -i eth0 -j ACCEPT
-A FORWARD -i nl-1 -m comment --comment nodeless-demo -j ACCEPT
-A FORWARD -i nl-2 -m comment --comment nodeless-demo-2 -j ACCEPT
COMMIT
*nat
-A POSTROUTING -s 10.201.0.4/30 ! -o nl-1 -m comment --comment "nodeless-demo" -j MASQUERADE
COMMIT
`;
    expect(deletionsOf(saved, 'nodeless-demo').map((command) => command.join(' '))).toEqual([
      'iptables -w -t filter -D FORWARD -i nl-1 -m comment --comment nodeless-demo -j ACCEPT',
      'iptables -w -t nat -D POSTROUTING -s 10.201.0.4/30 ! -o nl-1 -m comment --comment nodeless-demo -j MASQUERADE',
    ]);
  });
});
