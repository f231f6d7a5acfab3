import { expect, test } from 'vitest';
import { uninstallText } from '../../../src/cli/uninstall-command.ts';
import { installObjects } from '../../../src/install/objects.ts';
import { keptAfter, uninstallObjects } from '../../../src/install/removal.ts';
import type { Survey } from '../../../src/install/survey.ts';
import type { KubeClient } from '../../../src/kube/client.ts';

const FOUND: Survey = {
  nodes: ['n'],
  pods: [],
  holders: [],
  cells: [],
  hasDeployment: true,
  isInstalled: true,
  namespaceIs: 'made',
  others: {},
  cellClasses: [],
};

async function goes(found: Partial<Survey>, virtualNode = 'n'): Promise<readonly string[]> {
  const { objects } = await uninstallObjects({ virtualNode, namespace: 'one', found: { ...FOUND, ...found } });
  return objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
}

test('with the last virtual node goes everything that was installed, the definitions last of all', async () => {
  const names = await goes({});
  const config = { provider: 'simulated', virtualNode: { name: 'n' } };
  const provider = { image: 'i', replicas: 2, config };
  const installed = await installObjects({ virtualNode: 'n', namespace: 'one', provider, monitors: true });
  expect(names.toSorted()).toEqual(installed.map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted());
  expect(names.at(-1)).toMatch(/^CustomResourceDefinition\//);
  expect(names.indexOf('ClusterRole/nodeless:n')).toBeGreaterThan(names.indexOf('Deployment/nodeless-n'));
});

test('what another virtual node of the namespace shares stays', async () => {
  const names = await goes({ others: { other: 'one' } });
  expect(names).toEqual(expect.arrayContaining(['Deployment/nodeless-n', 'ClusterRole/nodeless:n']));
  for (const shared of ['Namespace/one', 'ServiceAccount/nodeless', 'PriorityClass/nodeless', 'CellClass/default'])
    expect(names).not.toContain(shared);
  expect(names.filter((name) => /^(CustomResourceDefinition|ValidatingAdmissionPolicy)/.test(name))).toEqual([]);
});

test('what another virtual node of another namespace shares stays, and our namespace goes', async () => {
  const names = await goes({ others: { other: 'two' } });
  expect(names).toEqual(expect.arrayContaining(['Namespace/one', 'ServiceAccount/nodeless']));
  expect(names).not.toContain('PriorityClass/nodeless');
  expect(names.filter((name) => name.startsWith('CustomResourceDefinition/'))).toEqual([]);
});

test.each<[Survey['namespaceIs'], readonly string[]]>([
  ['made', []],
  ['gone', []],
  ['foreign', ['namespace one, for nodeless install has not made it']],
])(
  'a namespace that is %s is deleted only where it was made for it, and said to stay otherwise',
  async (namespaceIs, kept) => {
    expect((await goes({ namespaceIs })).includes('Namespace/one')).toBe(namespaceIs === 'made');
    const body = Buffer.from(JSON.stringify({ items: [] }));
    const client = {
      request: async () => ({ status: 200, contentType: 'application/json', body }),
    } as unknown as KubeClient;
    expect(await keptAfter(client, 'one', { namespaceIs })).toEqual(kept);
  },
);

test('with zones, what each of the nodes has goes', async () => {
  const names = await goes({ nodes: ['n-a', 'n-b'] });
  expect(names).toEqual(expect.arrayContaining(['Service/nodeless-cells-n-a', 'Role/nodeless:n-b:cells']));
});

test('who is asked is told what ends', () => {
  const pods = [{ metadata: { name: 'p' } }, { metadata: { name: 'q' } }];
  const flags = { virtualNode: 'n', namespace: 'one' };
  expect(uninstallText(flags, { ...FOUND, pods, cells: pods.slice(1), cellClasses: ['default', 'batch'] })).toBe(
    'virtual node n: 2 pods will be evicted, 1 cell will end. With the last virtual node go the definitions and the CellClasses (default, batch), and the namespace one.',
  );
  expect(uninstallText(flags, { ...FOUND, namespaceIs: 'foreign' })).toMatch(/go the definitions\.$/);
  expect(uninstallText(flags, { ...FOUND, others: { other: 'one' } })).toContain('What it shares with other stays.');
});
