import { setTimeout as delay } from 'node:timers/promises';
import { NodelessError } from '../../core/errors.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { columns } from '../columns.ts';
import type { Tools } from './kubectl.ts';

const CURL = ['curl', '--silent', '--show-error', '--fail', '--max-time', '5'];
const SERVICE_TIMEOUT_MS = 30_000;

/** Who answered: the demo's web server has its host name as its title. */
export function hostOf(html: string): string | undefined {
  return /<title>([^<]+)<\/title>/.exec(html)?.[1];
}

function wrong(message: string): NodelessError {
  return new NodelessError({ code: 'KubeRequestFailed', message });
}

/** What was asked and who answered, for one pod. */
export interface Reached {
  readonly pod: string;
  readonly address: string;
  /** How many of the Service's answers were this pod's. */
  readonly throughService: number;
}

/** Asks every pod at its own address. @throws NodelessError KubeRequestFailed when another one answers. */
async function byAddress(tools: Tools, pods: readonly WirePod[]): Promise<readonly { pod: string; address: string }[]> {
  return Promise.all(
    pods.map(async (pod) => {
      const address = pod.status?.podIP ?? '';
      const host = hostOf(await tools.inside(...CURL, `http://${address}/`));
      if (host === pod.metadata.name) return { pod: host, address };
      throw wrong(`${address} is the address of ${pod.metadata.name}, but ${host ?? 'nobody'} answered there`);
    }),
  );
}

/** Asks the Service until every pod has answered, a new connection each time; how often each did. */
async function throughService(
  tools: Tools,
  url: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const answers = new Map<string, number>();
  const deadlineMs = Date.now() + SERVICE_TIMEOUT_MS;
  while (!names.every((name) => answers.has(name))) {
    if (Date.now() > deadlineMs) {
      const silent = names.filter((name) => !answers.has(name));
      throw wrong(`${silent.join(', ')} did not answer through ${url} within ${SERVICE_TIMEOUT_MS / 1000} s`);
    }
    const host = hostOf(await tools.inside(...CURL, url)) ?? '';
    answers.set(host, (answers.get(host) ?? 0) + 1);
    await delay(10, undefined, { signal });
  }
  return answers;
}

/** Asks each of the pods by its address and through the Service, from inside the cluster's network. */
export async function reachAll(
  tools: Tools,
  options: { readonly pods: readonly WirePod[]; readonly serviceAddress: string; readonly signal: AbortSignal },
): Promise<readonly Reached[]> {
  const direct = await byAddress(tools, options.pods);
  const names = direct.map(({ pod }) => pod);
  const answers = await throughService(tools, `http://${options.serviceAddress}/`, names, options.signal);
  return direct.map((entry) => ({ ...entry, throughService: answers.get(entry.pod) ?? 0 }));
}

/** The result as a table. */
export function trafficRows(reached: readonly Reached[], serviceAddress: string): readonly string[] {
  const total = reached.reduce((sum, entry) => sum + entry.throughService, 0);
  const rows = reached.map(({ pod, address, throughService }) => [
    pod,
    `http://${address}/ answered`,
    `${throughService} of ${total} answers`,
  ]);
  return [
    `$ curl http://${serviceAddress}/   # ${total} times, and each pod at its address`,
    ...columns([['POD', 'BY ADDRESS', 'THROUGH THE SERVICE'], ...rows]),
  ];
}
