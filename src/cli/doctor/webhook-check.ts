import { DECISION_ANNOTATION, PLACEMENT_LABEL } from '../../core/names.ts';
import { hooksPath } from '../../install/survey.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { type Finding, failed, ok, type Patient, unknown, warning } from './finding.ts';

interface Configuration extends KubeObject {
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string; readonly url?: string } }[];
}

/** A pod that is never made: the API server only asks the webhooks about it. */
const ASKED_ABOUT = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'nodeless-doctor-', labels: { [PLACEMENT_LABEL]: 'cell' } },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: 'none', image: 'none', resources: { requests: { cpu: '1m', memory: '1Mi' } } }],
  },
};

const NETWORK_FIX =
  'let the API server reach the webhooks’ port 9443 (security groups, firewalls, a NetworkPolicy of another’s), and see that a replica is ready';

/** What the answer to a dry run says of the webhooks. Pure. */
export function judgeDryRun(status: number, answer: string): Finding {
  if (status === 403 && !answer.includes('denied the request'))
    return unknown('webhooks', `a pod could not be tried in namespace default: ${answer.slice(0, 300)}`);
  if (answer.includes('failed calling webhook') && answer.includes('nodeless.io'))
    return failed('webhooks', `the API server does not reach them: ${answer.slice(0, 400)}`, NETWORK_FIX);
  if (status >= 400) return ok('webhooks', `they answer: ${answer.slice(0, 200)}`);
  return answer.includes(DECISION_ANNOTATION)
    ? ok('webhooks', 'the API server asks them, and they answer')
    : failed('webhooks', 'the API server creates pods without asking them', NETWORK_FIX);
}

/** Whether the API server asks the webhooks, by a dry run that nothing comes of. */
export async function webhookCheck({ client, virtualNode }: Patient): Promise<Finding> {
  const found = await getOrUndefined<Configuration>(client, hooksPath(virtualNode));
  if (found === undefined)
    return warning(
      'webhooks',
      'none are installed: pods select the virtual node themselves',
      'run nodeless install without --no-webhooks, if pods are to be routed',
    );
  if (found.webhooks?.some(({ clientConfig }) => clientConfig.caBundle === undefined))
    return failed(
      'webhooks',
      'the API server was not told whom to trust',
      'start a replica: it writes caBundle as it begins to serve',
    );
  const query = { dryRun: 'All' };
  const path = '/api/v1/namespaces/default/pods';
  const { status, body } = await client.request({ method: 'POST', path, query, body: ASKED_ABOUT });
  return judgeDryRun(status, body.toString());
}
