import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { configBeside, modelOf } from '../../../src/install/model.ts';
import type { KubeClient } from '../../../src/kube/client.ts';

const DEPLOYMENT = '/apis/apps/v1/namespaces/one/deployments/nodeless-n';
const CONFIG_MAP = '/api/v1/namespaces/one/configmaps/nodeless-n';
const HOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/n.nodeless.io';
const MONITOR = '/apis/monitoring.coreos.com/v1/namespaces/one/servicemonitors/nodeless-n';
const CONFIG = { provider: 'simulated' };

function clientWith(more: readonly string[]): KubeClient {
  const resources = { limits: { memory: '5Gi' } };
  const objects: Record<string, object> = {
    [DEPLOYMENT]: { spec: { replicas: 3, template: { spec: { containers: [{ image: 'i', resources }] } } } },
    [CONFIG_MAP]: { data: { 'nodeless.yaml': stringify(CONFIG) } },
    ...Object.fromEntries(more.map((path) => [path, {}])),
  };
  const request: KubeClient['request'] = async ({ path }) => {
    const body = Buffer.from(JSON.stringify(objects[path] ?? {}));
    return { status: objects[path] === undefined ? 404 : 200, contentType: 'application/json', body };
  };
  return { request } as KubeClient;
}

describe('one more virtual node', () => {
  test.each([
    [[], { webhooks: false, monitors: false }],
    [[HOOKS], { webhooks: true, monitors: false }],
    [[HOOKS, MONITOR], { webhooks: true, monitors: true }],
  ])('is installed with the flags of the one that it is like: %j', async (there, flags) => {
    expect(await modelOf(clientWith(there), 'n', 'one')).toEqual({
      config: CONFIG,
      flags: { image: 'i', replicas: 3, memory: '5Gi', ...flags },
    });
  });

  test('is like none that is not in the cluster', async () => {
    await expect(modelOf(clientWith([]), 'other', 'one')).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('has not the address of the one that it is like', () => {
    expect(configBeside(CONFIG, 'n')).toBe(CONFIG);
    expect(configBeside({ cellApi: { leaderService: true } }, 'n')).toEqual({ cellApi: { leaderService: true } });
    expect(() => configBeside({ cellApi: { advertise: 'lb.example' } }, 'n')).toThrow(/cellApi\.advertise: .*--config/);
  });
});
