import { readFile } from 'node:fs/promises';
import { readEnvironment } from '../../src/config/environment.ts';
import { systemProgram } from '../../src/local-cluster/binaries/lookup.ts';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import { suiteCatalog } from '../../src/local-cluster/images/catalog.ts';
import { type ImageArchive, prepareImages } from '../../src/local-cluster/images/prepare.ts';
import { withLibraries } from '../../src/local-cluster/images/shared-libraries.ts';
import type { Progress } from '../../src/local-cluster/progress.ts';

/** The images that only specs of the conformance suite use, as archives in the cache. */
export async function suiteImages(progress: Progress, signal: AbortSignal): Promise<readonly ImageArchive[]> {
  const environment = readEnvironment();
  const programs = await obtainPrograms(['sample-apiserver'], { progress, signal, environment });
  const sampleApiServer = await readFile(programs['sample-apiserver']);
  const etcdPath = await systemProgram('etcd', environment);
  if (etcdPath === undefined) throw new Error('etcd is missing: install the package etcd-server');
  const etcd = await withLibraries(etcdPath, 'etcd', signal);
  return prepareImages({
    progress,
    signal,
    environment,
    catalog: (inputs) => suiteCatalog({ ...inputs, sampleApiServer, etcd }),
  });
}
