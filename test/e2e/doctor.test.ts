import { expect, onTestFinished, test } from 'vitest';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { startNodeless } from '../support/nodeless.ts';
import { pod } from '../support/objects.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, apply } = tools;

test('nodeless doctor finds nothing wrong, by a real log of a pod on a cell and a dry run that asks the webhooks', async () => {
  onTestFinished(async () => {
    await kubectl('delete', 'pod', 'looked-at', '--ignore-not-found', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
  });
  await apply(pod('looked-at'));
  await kubectl('wait', 'pod/looked-at', '--for=condition=Ready', '--timeout=60s');
  const { stdout } = await startNodeless(tools.kubeconfig, ['doctor', '-o', 'json'], { timeoutMs: 60_000 });
  const findings = JSON.parse(stdout) as readonly { check: string; outcome: string; detail: string }[];
  const wrong = findings.filter(({ outcome }) => outcome !== 'ok');
  // A local cluster has no DaemonSet of a network.
  expect(wrong.map(({ check, detail }) => `${check}: ${detail}`)).toEqual([
    expect.stringMatching(/^CNI: no DaemonSet/),
  ]);
  expect(findings.map(({ detail }) => detail)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^kubectl logs -n default [\w-]+ works$/),
      'the API server asks them, and they answer',
    ]),
  );
});
