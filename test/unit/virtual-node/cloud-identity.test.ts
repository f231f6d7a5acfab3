import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';
import { virtualNodesOf } from '../../../src/config/virtual-nodes.ts';
import { nodeLabels, nodeObject } from '../../../src/virtual-node/node-object.ts';
import { specOf } from '../../../src/virtual-node/node-spec.ts';

interface Input {
  readonly provider: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly zones?: readonly string[];
}

function specsOf({ provider, name = 'nodeless', labels = {}, zones = [] }: Input) {
  const virtualNode = { address: '10.0.0.1', name, labels };
  const awsEc2 = { region: 'eu-central-1' };
  const config = parseConfig({ provider, virtualNode, awsEc2, zones: { names: zones } }, 'test');
  return virtualNodesOf(config).map((node) => specOf(config, node, 'uid'));
}

function providerIdsOf(input: Input): readonly string[] {
  return specsOf(input).map((spec) => (nodeObject(spec).spec as { providerID: string }).providerID);
}

describe('the providerID of a virtual node', () => {
  test.each<[Input, readonly string[]]>([
    [{ provider: 'local' }, ['nodeless://uid/nodeless']],
    [{ provider: 'aws-ec2' }, ['aws:///eu-central-1a/nodeless-nodeless']],
    [{ provider: 'aws-ec2', name: 'big.nodes' }, ['aws:///eu-central-1a/nodeless-big-nodes']],
    [
      { provider: 'aws-ec2', zones: ['eu-central-1a', 'eu-central-1c'] },
      ['aws:///eu-central-1a/nodeless-nodeless-eu-central-1a', 'aws:///eu-central-1c/nodeless-nodeless-eu-central-1c'],
    ],
  ])('of %j is %j', (input, expected) => {
    expect(providerIdsOf(input)).toEqual(expected);
  });

  // The rules of docs/eks.md.
  test.each(['nodeless', 'n', 'a-b', 'cells.example.com', '0'])(
    'of %s is what the neighbours on EKS go on with',
    (name) => {
      const ids = [
        ...providerIdsOf({ provider: 'aws-ec2', name }),
        ...providerIdsOf({ provider: 'aws-ec2', name, zones: ['us-west-2-lax-1a', 'us-west-2b'] }),
      ];
      expect(ids).toHaveLength(3);
      for (const id of ids) {
        // cluster-autoscaler scales nothing while it knows a node by any other form.
        expect(id).toMatch(/^aws:\/\/\/[-0-9a-z]*\/[-0-9a-z]*$/);
        // The cloud controller and Karpenter take the last part for an instance where it looks like one's.
        const last = new URL(id).pathname.split('/').at(-1);
        expect(last).not.toMatch(/^i-[^/]*$/);
        expect(last).not.toMatch(/^fargate-/);
      }
    },
  );
});

describe('the labels of a virtual node on EC2', () => {
  const COMPUTE = 'eks.amazonaws.com/compute-type';

  test('say that pods are found by their own addresses, unless they are set otherwise', () => {
    const labelsOf = (input: Input) => specsOf(input).map((spec) => nodeLabels(spec)[COMPUTE]);
    expect(labelsOf({ provider: 'aws-ec2' })).toEqual(['fargate']);
    expect(labelsOf({ provider: 'aws-ec2', labels: { [COMPUTE]: 'ec2' } })).toEqual(['ec2']);
    expect(labelsOf({ provider: 'local' })).toEqual([undefined]);
  });

  test('are not among those that it sets itself', () => {
    const [spec] = specsOf({ provider: 'aws-ec2' });
    expect(spec && nodeObject(spec).metadata.labels).not.toHaveProperty([COMPUTE]);
  });
});
