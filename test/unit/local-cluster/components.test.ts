import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMPONENTS, commandLine } from '../../../src/local-cluster/components/command-lines.ts';
import { corefile, proxyConfiguration } from '../../../src/local-cluster/components/configuration.ts';
import { clusterPaths } from '../../../src/local-cluster/state.ts';

const paths = clusterPaths({ name: 'demo' });
const options = { paths, address: '10.201.0.2' };

describe('command lines', () => {
  it('run the programs of the cluster’s own folder', () => {
    for (const component of COMPONENTS) {
      expect(commandLine(component, options)[0]).toBe(`/var/lib/nodeless/demo/bin/${component}`);
    }
  });

  it('keep etcd, which asks nobody who they are, to loopback', () => {
    const addresses = commandLine('etcd', options)
      .join(' ')
      .match(/http:\/\/[^,\s]+/g);
    expect(new Set(addresses?.map((url) => new URL(url).hostname))).toEqual(new Set(['127.0.0.1']));
  });

  it('bound nodes by the Node authorizer and NodeRestriction, and verify kubelets', () => {
    const flags = commandLine('kube-apiserver', options);
    expect(flags).toContain('--authorization-mode=Node,RBAC');
    expect(flags).toContain('--enable-admission-plugins=NodeRestriction');
    expect(flags).toContain('--kubelet-certificate-authority=/var/lib/nodeless/demo/pki/ca.crt');
    expect(flags.some((flag) => flag.startsWith('--audit'))).toBe(false);
  });

  it('take an audit policy and further flags of the API server when asked', () => {
    const flags = commandLine('kube-apiserver', { ...options, auditPolicyFile: '/p', apiServerFlags: ['--v=4'] });
    expect(flags).toContain('--audit-policy-file=/p');
    expect(flags.at(-1)).toBe('--v=4');
  });
});

describe('configurations', () => {
  it('leave the machine’s connection tracking alone', () => {
    const { conntrack, mode } = parse(proxyConfiguration(paths));
    expect(mode).toBe('iptables');
    expect(conntrack).toEqual({ maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' });
  });

  it('forward names outside the cluster only where packets may leave', () => {
    expect(corefile(paths, { outbound: false })).not.toContain('forward');
    expect(corefile(paths, { outbound: true })).toContain('forward . /etc/resolv.conf');
  });
});
