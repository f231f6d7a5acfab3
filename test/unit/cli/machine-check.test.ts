import { describe, expect, it } from 'vitest';
import { type MachineFacts, missingForCells } from '../../../src/cli/demo/machine-check.ts';

const ABLE: MachineFacts = {
  platform: 'linux',
  uid: 0,
  canMakeNamespaces: true,
  canWriteCgroups: true,
  missingPrograms: [],
  installCommand: '',
};

function whatIsMissing(facts: Partial<MachineFacts>): readonly string[] {
  return missingForCells({ ...ABLE, ...facts }).map(({ what, remedy }) => `${what} / ${remedy}`);
}

describe('a machine', () => {
  it('that is Linux, with root, namespaces and cgroups, can run real cells', () => {
    expect(whatIsMissing({})).toEqual([]);
  });

  it('that is not Linux is told that, and nothing else', () => {
    expect(whatIsMissing({ platform: 'darwin', uid: 501, canMakeNamespaces: false })).toEqual([
      'Linux (this is darwin) / run it in a Linux VM or on a Linux machine',
    ]);
  });

  it('without root is told of sudo and of the programs it lacks, not of rights that root may have', () => {
    const facts = { uid: 1000, canMakeNamespaces: false, canWriteCgroups: false, missingPrograms: ['containerd'] };
    expect(whatIsMissing({ ...facts, installCommand: 'apt-get install containerd' })).toEqual([
      'root / run "sudo npm run demo"',
      'containerd / run "apt-get install containerd" as root',
    ]);
  });

  it('in an unprivileged container is told of both rights', () => {
    expect(whatIsMissing({ canMakeNamespaces: false, canWriteCgroups: false })).toHaveLength(2);
  });
});
