import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { type ImageArchive, prepareImages } from '../../src/local-cluster/images/prepare.ts';
import { withLibraries } from '../../src/local-cluster/images/shared-libraries.ts';
import { userland } from '../../src/local-cluster/images/userland.ts';
import type { Progress } from '../../src/local-cluster/progress.ts';
import { ensureSystemPrograms } from '../../src/local-cluster/system-packages.ts';
import type { ClusterTools } from './kubectl.ts';

export const PROMETHEUS_IMAGE = 'nodeless.local/prometheus:1';
const PROGRAM = '/usr/bin/prometheus';

/** An image of the Prometheus that this machine's distribution has. */
export async function prometheusImage(progress: Progress, signal: AbortSignal): Promise<readonly ImageArchive[]> {
  const programs = [{ program: 'prometheus', debianPackage: 'prometheus' }];
  await ensureSystemPrograms({ progress, signal, programs });
  const own = await withLibraries(PROGRAM, 'prometheus', signal);
  const config = { entrypoint: ['/usr/bin/prometheus'] };
  return prepareImages({
    progress,
    signal,
    catalog: (inputs) => [{ reference: PROMETHEUS_IMAGE, config, layers: [userland(inputs), own] }],
  });
}

interface ScrapeJob {
  readonly job_name: string;
  readonly kubernetes_sd_configs?: readonly { readonly role: string }[];
}

/** Where a Prometheus finds what it scrapes, by the role that Kubernetes' discovery has for it. */
export interface ScrapeTargets {
  readonly node: readonly { readonly target: string; readonly name: string }[];
  readonly pod: readonly { readonly target: string }[];
}

function jobOver(job: ScrapeJob, targets: ScrapeTargets): object {
  const { kubernetes_sd_configs: [discovery] = [] } = job;
  if (discovery === undefined) return job;
  const found = targets[discovery.role as keyof ScrapeTargets];
  const configs = found.map(({ target, ...node }) => ({
    targets: [target],
    ...('name' in node ? { labels: { node: node.name } } : {}),
  }));
  return { ...job, kubernetes_sd_configs: undefined, relabel_configs: undefined, static_configs: configs };
}

/** The scrape jobs that people are shown; Debian's Prometheus discovers nothing of Kubernetes, so it is told the targets. */
export async function scrapeJobs(targets: ScrapeTargets): Promise<readonly object[]> {
  const file = new URL('../../deploy/examples/prometheus.yaml', import.meta.url);
  const { scrape_configs: jobs } = parse(await readFile(file, 'utf8')) as { scrape_configs: readonly ScrapeJob[] };
  return jobs.map((job) => jobOver(job, targets));
}

interface QueryAnswer {
  readonly result: readonly { readonly value: readonly [number, string] }[];
}

/** A rule as Prometheus has evaluated it. */
export interface EvaluatedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** What Prometheus' API answers, by way of the API server's proxy. */
async function promApi<T>({ kubectl }: Pick<ClusterTools, 'kubectl'>, pod: string, path: string): Promise<T> {
  const { data } = JSON.parse(
    await kubectl('get', '--raw', `/api/v1/namespaces/default/pods/${pod}:9090/proxy/api/v1/${path}`),
  ) as { data: T };
  return data;
}

/** The sample values of an instant query, at a time in seconds since the epoch or now. */
export async function promQuery(
  tools: Pick<ClusterTools, 'kubectl'>,
  pod: string,
  query: string,
  atSeconds?: number,
): Promise<readonly number[]> {
  const parameters = new URLSearchParams({ query, ...(atSeconds === undefined ? {} : { time: String(atSeconds) }) });
  const { result } = await promApi<QueryAnswer>(tools, pod, `query?${parameters}`);
  return result.map(({ value: [, value] }) => Number(value));
}

/** The rules that it has loaded, in the order of their files. */
export async function promRules(tools: Pick<ClusterTools, 'kubectl'>, pod: string): Promise<readonly EvaluatedRule[]> {
  const { groups } = await promApi<{ groups: readonly { rules: readonly EvaluatedRule[] }[] }>(tools, pod, 'rules');
  return groups.flatMap((group) => group.rules);
}
