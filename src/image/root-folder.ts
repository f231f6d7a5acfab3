import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ImageSpec } from '../local-cluster/images/archive.ts';
import { completeTree } from '../local-cluster/images/entry.ts';

/** Writes an image's root file system below a folder, for whoever makes an image of it: `COPY --from=build /image /`. */
export async function writeRoot({ layers }: ImageSpec, folder: string): Promise<void> {
  for (const entry of completeTree(layers.flat())) {
    const path = join(folder, entry.path);
    await mkdir(dirname(path), { recursive: true });
    if (entry.kind === 'symlink') await symlink(entry.target, path);
    else if (entry.kind === 'directory') await mkdir(path, { recursive: true });
    else await writeFile(path, entry.content);
    // Whatever the umask is.
    if (entry.kind !== 'symlink') await chmod(path, entry.mode);
  }
}
