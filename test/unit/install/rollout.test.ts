import { describe, expect, test } from 'vitest';
import { missing, type Sight } from '../../../src/install/rollout.ts';

const READY = { metadata: { name: 'n' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };

function deployment(status: object): NonNullable<Sight['deployment']> {
  return { metadata: { name: 'nodeless-n', generation: 2 }, spec: { replicas: 2 }, status };
}

const DONE: Sight = {
  deployment: deployment({ observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2 }),
  pods: [],
  nodes: { n: READY },
  webhooks: { metadata: { name: 'n.nodeless.io' }, webhooks: [{ clientConfig: { caBundle: 'x' } }] },
};

function pod(status: object): Sight['pods'][number] {
  return { metadata: { name: 'p' }, status };
}

describe('what an installation waits for', () => {
  test('is nothing when replicas, trust and nodes are there', () => {
    expect(missing(DONE)).toEqual([]);
  });

  test.each<[string, Partial<Sight>, string]>([
    ['no Deployment', { deployment: undefined }, '0 of 0 replicas are ready'],
    [
      'a Deployment whose change nobody has seen yet',
      { deployment: deployment({ observedGeneration: 1, updatedReplicas: 2, availableReplicas: 2 }) },
      '0 of 2 replicas are ready',
    ],
    [
      'replicas of the version before',
      { deployment: deployment({ observedGeneration: 2, updatedReplicas: 1, availableReplicas: 3 }) },
      '1 of 2 replicas are ready',
    ],
    ['a node that is not there', { nodes: { n: undefined } }, 'node n is not there'],
    ['a node that is not Ready', { nodes: { n: { metadata: { name: 'n' } } } }, 'node n is not Ready'],
    [
      'webhooks that are not trusted',
      { webhooks: { metadata: { name: 'w' }, webhooks: [{ clientConfig: {} }] } },
      'the API server does not trust the webhooks yet',
    ],
    [
      'a pod that no node takes',
      { pods: [pod({ conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] })] },
      'pod p: 0/1 nodes are available',
    ],
    [
      'an image that can not be had',
      {
        pods: [
          pod({ containerStatuses: [{ state: { waiting: { reason: 'ErrImagePull', message: 'no such host' } } }] }),
        ],
      },
      'pod p: ErrImagePull, no such host',
    ],
    [
      'a provider that ends',
      {
        pods: [
          pod({
            containerStatuses: [
              { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } },
            ],
          }),
        ],
      },
      'pod p: CrashLoopBackOff, exit code 1: see kubectl logs --previous',
    ],
  ])('%s', (_, sight, words) => {
    expect(missing({ ...DONE, ...sight })).toEqual([words]);
  });

  test('a container that is being made is no complaint', () => {
    const pods = [pod({ containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] })];
    expect(missing({ ...DONE, pods })).toEqual([]);
  });
});
