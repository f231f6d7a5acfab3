import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../providers/local/machine/process-identity.ts';
import { down } from './down.ts';
import { heldBy, nameTaken } from './failure.ts';
import { identityOf, isAlive } from './processes/identity.ts';
import { type ClusterPaths, type ClusterRef, clusterPaths, writePrivate } from './state.ts';

export interface ClaimOptions extends ClusterRef {
  /** Take a cluster of the same name down first, in whatever state it is, unless the process that brought it up still runs. */
  readonly replace?: boolean;
}

/** In a cluster's folder: which process brings it up. */
const HOLDER = 'holder.json';

async function holderOf(paths: ClusterPaths): Promise<ProcessIdentity | undefined> {
  const text = await readFile(join(paths.stateDir, HOLDER), 'utf8').catch(() => undefined);
  const holder = text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
  return holder !== undefined && (await isAlive(holder)) ? holder : undefined;
}

/**
 * Makes the cluster's folder, and records that this process brings it up.
 * @throws NodelessError PrerequisiteMissing when there is one of that name that may not be replaced
 */
export async function claimCluster(options: ClaimOptions): Promise<void> {
  const paths = clusterPaths(options);
  if (options.replace === true) {
    const holder = await holderOf(paths);
    if (holder !== undefined && holder.pid !== process.pid) throw heldBy(paths.name, holder.pid);
    await down(options);
  }
  await mkdir(paths.stateRoot, { recursive: true });
  // It comes with its holder in it, or who replaces it would take it for nobody's.
  const made = await mkdtemp(join(paths.stateRoot, '.claim-'));
  try {
    await chmod(made, 0o711);
    await writePrivate(join(made, HOLDER), JSON.stringify(await identityOf(process.pid)));
    await rename(made, paths.stateDir);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw nameTaken(paths.name, paths.stateDir);
  }
}
