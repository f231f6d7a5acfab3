import { describe, expect, it } from 'vitest';
import { showsListener } from '../../../src/local-cluster/components/probes.ts';
import { clusterPaths } from '../../../src/local-cluster/state.ts';
import { packagesFor, usesApt } from '../../../src/local-cluster/system-packages.ts';
import { isOwnNamespace, mountsIn, reasonOf } from '../../../src/local-cluster/traces.ts';

const paths = clusterPaths({ name: 'demo' });

describe('what belongs to a cluster', () => {
  it('is its namespace and its machines’, but not those of a cluster whose name only begins alike', () => {
    const clusters = ['demo', 'demo-two'];
    expect(isOwnNamespace('nodeless-demo', paths, clusters)).toBe(true);
    expect(isOwnNamespace('nodeless-demo-c-1', paths, clusters)).toBe(true);
    expect(isOwnNamespace('nodeless-demo-two', paths, clusters)).toBe(false);
    expect(isOwnNamespace('nodeless-demo-two-c-1', paths, clusters)).toBe(false);
    expect(isOwnNamespace('nodeless-demolition', paths, clusters)).toBe(false);
  });

  it('is every mount in its folder, deepest first, with escaped names read right', () => {
    const line = (point: string) => `1 2 0:3 / ${point} rw - tmpfs tmpfs rw`;
    const text = [
      line('/var/lib/nodeless/demo/a'),
      line('/var/lib/nodeless/demo/a/b\\040c'),
      line('/var/lib/nodeless/demo2/a'),
      line('/'),
    ].join('\n');
    expect(mountsIn(text, paths)).toEqual(['/var/lib/nodeless/demo/a/b c', '/var/lib/nodeless/demo/a']);
  });

  it('is a process in its namespaces or cgroups, one on its way in, and its own programs; nothing else', () => {
    const inodes = new Set(['4026532000']);
    const facts = { net: 'net:[1]', cgroup: '0::/', cmdline: 'vi\0/var/lib/nodeless/demo/logs/etcd.log' };
    const reason = (own: Partial<typeof facts>) => reasonOf(paths, inodes, { ...facts, ...own });
    expect(reason({})).toBeUndefined();
    expect(reason({ net: 'net:[4026532000]' })).toBe('network namespace');
    expect(reason({ cgroup: '9:cpu:/x\n4:memory:/nodeless/demo/c-1/pod' })).toBe('cgroup');
    expect(reason({ cgroup: '4:memory:/nodeless/demo2/c-1' })).toBeUndefined();
    expect(reason({ cmdline: 'nsenter\0--net=/run/netns/nodeless-demo\0--\0etcd' })).toBe('entering its namespace');
    expect(reason({ cmdline: '/var/lib/nodeless/demo/bin/etcd\0' })).toBe('program');
  });
});

describe('a listener', () => {
  it('is a socket in state 0A on that port', () => {
    const line = (port: string, state: string) => `   0: 0100007F:${port} 00000000:0000 ${state} 00000000:00000000`;
    expect(showsListener(line('094B', '0A'), 2379)).toBe(true);
    expect(showsListener(line('094B', '01'), 2379)).toBe(false);
    expect(showsListener(line('094C', '0A'), 2379)).toBe(false);
  });
});

describe('system packages', () => {
  it('are each named once, in order', () => {
    const missing = [
      { program: 'ctr', debianPackage: 'containerd' },
      { program: 'containerd', debianPackage: 'containerd' },
      { program: 'bash-static', debianPackage: 'bash-static' },
    ];
    expect(packagesFor(missing)).toEqual(['bash-static', 'containerd']);
  });

  it('are installed with apt only on Debian, Ubuntu and their kin', () => {
    expect(usesApt('ID=debian\n')).toBe(true);
    expect(usesApt('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n')).toBe(true);
    expect(usesApt('ID="fedora"\nID_LIKE="rhel"\n')).toBe(false);
    expect(usesApt('')).toBe(false);
  });
});
