import { parseConfig } from '../config/load.ts';
import { NodelessError } from '../core/errors.ts';
import type { InstallOptions } from '../kube/install.ts';

const SOURCE = 'the flags of nodeless install';

/** What is wrong with a URL of webhooks by Kubernetes' own rules, or undefined. */
function urlProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') return 'is an https URL such as https://10.0.0.5:9443';
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain ? undefined : 'has no user, query or fragment';
}

/**
 * The flags, held to the rules of the configuration that the provider will have, before anything is written.
 * @throws NodelessError ConfigInvalid naming what is wrong
 */
export function checkFlags({ virtualNode, zones = [], namespace, webhookUrl, webhooks = true }: InstallOptions): void {
  // The address is not a flag, and any will do.
  const node = { name: virtualNode, address: '127.0.0.1' };
  parseConfig({ virtualNode: node, zones: { names: zones }, cluster: { namespace } }, SOURCE);
  if (webhookUrl === undefined) return;
  const problem = webhooks ? urlProblem(webhookUrl) : 'and --no-webhooks exclude each other';
  if (problem === undefined) return;
  throw new NodelessError({ code: 'ConfigInvalid', message: `${SOURCE}: --webhook-url ${problem}` });
}
