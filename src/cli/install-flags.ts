import { InvalidArgumentError } from 'commander';
import { parseUnserved } from '../config/load.ts';
import { virtualNodesOf } from '../config/virtual-nodes.ts';
import { NodelessError } from '../core/errors.ts';
import { quantityField } from '../core/quantity-field.ts';
import { checkInCluster, type InstallOptions, isEnoughMemory } from '../install/options.ts';

const SOURCE = 'the flags of nodeless install';
const MOST_REPLICAS = 9;
/** What a pod's image may be called, roughly: a registry knows better, but white space never ends well. */
const IMAGE = /^[a-z0-9][\w.:/@-]*$/i;

function refused(problem: string): NodelessError {
  return new NodelessError({ code: 'ConfigInvalid', message: `${SOURCE}: ${problem}` });
}

/** What is wrong with a URL of webhooks by Kubernetes' own rules, or undefined. */
function urlProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') return 'is an https URL such as https://10.0.0.5:9443';
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain ? undefined : 'has no user, query or fragment';
}

/** What people may say; names are those of the configuration file, or the defaults, where nothing is said. */
export interface InstallFlags {
  readonly virtualNode?: string;
  readonly namespace?: string;
  readonly zones?: readonly string[];
  readonly webhookUrl?: string;
  readonly webhooks?: boolean;
  readonly force?: boolean;
  readonly image?: string;
  readonly replicas?: number;
  readonly memory?: string;
  readonly monitors?: boolean;
}

/** How many replicas, as a flag says it. */
export function replicasOf(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`is a number from 1 to ${MOST_REPLICAS}`);
}

/** How much memory a replica may have, as a flag says it. */
export function memoryOf(text: string): string {
  const { success, data } = quantityField.safeParse(text);
  if (success && isEnoughMemory(data)) return data;
  throw new InvalidArgumentError('is a Kubernetes quantity of bytes, 256Mi or more, such as 3Gi');
}

interface Sections {
  readonly virtualNode?: object;
  readonly cluster?: object;
  readonly zones?: object;
}

/** The configuration with what the flags say of names over it. */
function named(config: Sections, { virtualNode, namespace, zones }: InstallFlags): object {
  return {
    ...config,
    ...(virtualNode === undefined ? {} : { virtualNode: { ...config.virtualNode, name: virtualNode } }),
    ...(namespace === undefined ? {} : { cluster: { ...config.cluster, namespace } }),
    ...(zones === undefined ? {} : { zones: { ...config.zones, names: zones } }),
  };
}

/**
 * What is to be installed, by the flags and what the configuration file says, if there is one: all held to the rules of the
 * configuration that the provider will have, before anything is written.
 * @throws NodelessError ConfigInvalid naming what is wrong
 */
export function installOptions(
  flags: InstallFlags,
  file?: { readonly path: string; readonly content: unknown },
): InstallOptions {
  const { webhookUrl, webhooks = true, image, replicas = 2, memory } = flags;
  const config = named((file?.content ?? {}) as Sections, flags);
  if (image !== undefined && !IMAGE.test(image)) throw refused(`--image ${JSON.stringify(image)} is no image`);
  if (image !== undefined && file === undefined)
    throw refused('--image needs --config FILE, which says at least where cells are launched (provider: …)');
  if (image !== undefined && webhookUrl !== undefined)
    throw refused('--webhook-url is for a provider that runs elsewhere; with --image it is reached by its Service');
  const source = file === undefined ? SOURCE : file.path;
  const checked = image === undefined ? parseUnserved(config, source) : checkInCluster(config, source);
  const problem =
    webhookUrl === undefined ? undefined : webhooks ? urlProblem(webhookUrl) : 'and --no-webhooks exclude each other';
  if (problem !== undefined) throw refused(`--webhook-url ${problem}`);
  const limit = memory === undefined ? {} : { memoryLimit: memory };
  return {
    virtualNode: checked.virtualNode.name,
    namespace: checked.cluster.namespace,
    zones: checked.zones.names,
    webhooks,
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    ...(flags.force === undefined ? {} : { force: flags.force }),
    ...(flags.monitors === undefined ? {} : { monitors: flags.monitors }),
    ...(image === undefined
      ? { signer: checked.kubeletEndpoint.signer }
      : { provider: { image, replicas, config, ...limit } }),
  };
}

/** Names of the virtual nodes that an installation is for. */
export function nodesOf({ provider, virtualNode }: InstallOptions): readonly string[] {
  if (provider === undefined) return [virtualNode];
  return virtualNodesOf(checkInCluster(provider.config, SOURCE)).map(({ name }) => name);
}
