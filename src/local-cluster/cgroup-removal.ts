import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ATTEMPTS = 40;

/** Removes a cgroup without processes and all below it; a busy one is tried again for a second. */
export async function removeCgroupFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeCgroupFolder(join(folder, entry.name));
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const failure = await rmdir(folder).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    // The kernel lets go of a cgroup a moment after its last process.
    if (failure !== 'EBUSY' && failure !== 'ENOTEMPTY') return;
    await delay(25);
  }
}
