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

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** The sample values of an instant query, at a time in seconds since the epoch or now. */
export async function promQuery(
  { kubectl }: Pick<ClusterTools, 'kubectl'>,
  pod: string,
  query: string,
  atSeconds?: number,
): Promise<readonly number[]> {
  const parameters = new URLSearchParams({ query, ...(atSeconds === undefined ? {} : { time: String(atSeconds) }) });
  const path = `/api/v1/namespaces/default/pods/${pod}:9090/proxy/api/v1/query?${parameters}`;
  const { data } = JSON.parse(await kubectl('get', '--raw', path)) as QueryAnswer;
  return data.result.map(({ value: [, value] }) => Number(value));
}
