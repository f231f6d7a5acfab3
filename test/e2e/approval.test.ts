import { describe, expect, onTestFinished, test } from 'vitest';
import { KUBELET_SERVING_SIGNER } from '../../src/core/names.ts';
import { installObjects } from '../../src/install/objects.ts';
import { newKeyPair, servingRequest } from '../../src/kubelet-endpoint/key-pairs.ts';
import { toolsOf } from '../support/kubectl.ts';
import { signingRequest } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, apply, trySend } = toolsOf(CLUSTER);

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const PROVIDER = '--as=system:serviceaccount:nodeless-system:nodeless';

interface Request {
  readonly metadata: { readonly name: string };
}

/** A request for a serving certificate, made by the node itself. */
async function requestOf(nodeName: string, signer = KUBELET_SERVING_SIGNER): Promise<Request> {
  const pem = await servingRequest({ nodeName, addresses: ['10.0.0.9'] }, await newKeyPair());
  const as = [`--as=system:node:${nodeName}`, '--as-group=system:nodes', '--as-group=system:authenticated'];
  const request = signingRequest(pem, signer, 'server auth');
  const made = await trySend(request, 'create', ...as, '--raw', REQUESTS, '-f', '-');
  expect(made.exitCode, made.stderr).toBe(0);
  return JSON.parse(made.stdout) as Request;
}

/** Approves it as the provider's service account. */
async function approve(request: Request) {
  const { name } = request.metadata;
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test', message: 'a test asked for it' }];
  const body = { ...request, status: { conditions } };
  const outcome = await trySend(body, 'replace', PROVIDER, '--raw', `${REQUESTS}/${name}/approval`, '-f', '-');
  await kubectl('delete', 'csr', name);
  return outcome;
}

describe('the provider', () => {
  test('approves the serving certificate of its own node', async () => {
    const { exitCode, stderr } = await approve(await requestOf('nodeless'));
    expect(exitCode, stderr).toBe(0);
  });

  test('approves by the signer of its configuration, and by no other', async () => {
    const options = { virtualNode: 'signed', namespace: 'nodeless-system', signer: 'example.com/serving' };
    const roles = (await installObjects(options)).filter(({ kind }) => kind?.startsWith('ClusterRole'));
    onTestFinished(
      async () => void (await kubectl('delete', 'clusterrole/nodeless:signed', 'clusterrolebinding/nodeless:signed')),
    );
    await apply(...roles);
    await eventually('it may', async () => {
      const { exitCode, stderr } = await approve(await requestOf('signed', 'example.com/serving'));
      if (exitCode !== 0) throw new Error(stderr);
      return true;
    });
    const { exitCode, stderr } = await approve(await requestOf('signed', 'example.com/other'));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('forbidden')]);
  });

  test('can not approve the serving certificate of another node', async () => {
    const { exitCode, stderr } = await approve(await requestOf('regular-1'));
    expect(stderr).toContain('approves serving certificates of its own virtual nodes alone');
    expect(exitCode).not.toBe(0);
  });
});
