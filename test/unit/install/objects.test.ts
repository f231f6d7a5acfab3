import { describe, expect, test } from 'vitest';
import { installObjects } from '../../../src/install/objects.ts';

const NAMESPACE = 'nodeless-system';

/** What is installed for a virtual node, by kind, namespace and name. */
async function installed(virtualNode: string, namespace = NAMESPACE): Promise<Map<string, object>> {
  const objects = await installObjects({ virtualNode, namespace });
  return new Map(
    objects.map((object) => [`${object.kind} ${object.metadata?.namespace ?? ''}/${object.metadata?.name}`, object]),
  );
}

describe('what is installed', () => {
  test('two virtual nodes never share a name with different content, so neither install breaks the other', async () => {
    const [first, second] = [await installed('a'), await installed('b')];
    const shared = [...first.keys()].filter((name) => second.has(name));
    expect(shared).toContain(`ServiceAccount ${NAMESPACE}/nodeless`);
    for (const name of shared) expect(second.get(name), name).toEqual(first.get(name));
  });

  test('each virtual node has its own roles, bound to the one service account', async () => {
    const names = [...(await installed('b')).keys()];
    expect(names).toEqual(
      expect.arrayContaining([
        'ClusterRole /nodeless:b',
        'ClusterRoleBinding /nodeless:b',
        `Role ${NAMESPACE}/nodeless:b`,
        `RoleBinding ${NAMESPACE}/nodeless:b`,
        'RoleBinding kube-system/nodeless:b',
      ]),
    );
  });

  test('each virtual node has a Service and a Secret of its own for its webhooks', async () => {
    const [first, second] = [await installed('a'), await installed('b.c')];
    const [ofFirst, ofSecond] = [`Service ${NAMESPACE}/nodeless-a`, `Service ${NAMESPACE}/nodeless-b-c`];
    expect(first.get(ofFirst)).toMatchObject({ spec: { selector: { 'app.kubernetes.io/instance': 'a' } } });
    expect(second.get(ofSecond)).toMatchObject({ spec: { selector: { 'app.kubernetes.io/instance': 'b.c' } } });
    for (const object of first.values())
      expect(JSON.stringify(object)).not.toMatch(/WEBHOOK_SERVICE|"nodeless-webhook"/);
    expect(JSON.stringify(second.get('MutatingWebhookConfiguration /b.c.nodeless.io'))).toContain('"nodeless-b-c"');
    expect(JSON.stringify(first.get(`Role ${NAMESPACE}/nodeless:a`))).toContain('"nodeless-webhook-a"');
  });

  test('with zones, each virtual node is granted by name, and what they share stays one', async () => {
    const objects = await installObjects({ virtualNode: 'n', namespace: NAMESPACE, zones: ['a', 'b'] });
    const text = JSON.stringify(objects);
    expect(text).toContain('"resources":["users"],"resourceNames":["system:node:n-a","system:node:n-b"]');
    expect(text).toContain('"resources":["nodes"],"resourceNames":["n-a","n-b"]');
    expect(text).toContain('"resources":["leases"],"resourceNames":["nodeless-n-a","nodeless-n-b"]');
    expect(text).toContain('"resourceNames":["nodeless-webhook-n"]');
    expect(text).not.toContain('"system:node:n"');
    const without = await installObjects({ virtualNode: 'n', namespace: NAMESPACE });
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(without.map(({ metadata }) => metadata.name));
  });

  test('each virtual node may approve by the signer of its configuration, alone', async () => {
    const signer = 'beta.eks.amazonaws.com/app-serving';
    const config = { provider: 'simulated', virtualNode: { name: 'n' }, kubeletEndpoint: { signer } };
    const options = { virtualNode: 'n', namespace: NAMESPACE };
    const elsewhere = await installObjects({ ...options, signer });
    const inCluster = await installObjects({ ...options, provider: { image: 'i', replicas: 2, config } });
    for (const objects of [elsewhere, inCluster]) {
      const role = objects.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'nodeless:n');
      const rule = {
        apiGroups: ['certificates.k8s.io'],
        resources: ['signers'],
        resourceNames: [signer],
        verbs: ['approve'],
      };
      expect(role?.rules).toContainEqual(rule);
      expect(JSON.stringify(role)).not.toContain('kubelet-serving');
      const others = (await installObjects(options)).filter(({ kind }) => kind?.startsWith('ValidatingAdmission'));
      for (const policy of others) expect(objects).toContainEqual(policy);
    }
  });

  test('two namespaces do not share a policy about their service accounts', async () => {
    const [first, second] = [await installed('a', 'one'), await installed('b', 'two')];
    const shared = [...first.keys()].filter((name) => second.has(name));
    for (const name of shared) expect(second.get(name), name).toEqual(first.get(name));
  });

  test('no placeholder is left, and every name is one that Kubernetes takes', async () => {
    const objects = await installed('node.with-dots');
    expect(JSON.stringify([...objects])).not.toMatch(/VIRTUAL_NODE|NAMESPACE|EACH_NODE/);
    for (const [name] of objects) expect(name).toMatch(/^\w+ ([a-z-]*)\/[a-z][a-z0-9.:-]*$/);
    const policies = [...objects.keys()].filter((name) => name.startsWith('ValidatingAdmissionPolicy'));
    expect(policies).toHaveLength(4);
    for (const name of policies) expect(name).not.toContain(':');
  });
});
