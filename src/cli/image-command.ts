import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { NodelessError } from '../core/errors.ts';
import { untilSignalled } from './until-signalled.ts';

interface Flags {
  readonly reference?: string;
  readonly archive?: string;
  readonly folder?: string;
}

/** `nodeless image`: the provider's container image, from the files of this installation. */
export function imageCommand(): Command {
  return new Command('image')
    .description('Build the container image of the provider, without a Docker daemon.')
    .option('--reference <name>', 'what the image is called, as registry/name:tag')
    .option('--archive <file>', 'write it as an archive that docker, podman, skopeo and ctr take')
    .option('--folder <path>', 'write its root file system below a folder')
    .action(async ({ reference, archive, folder }: Flags) => {
      if (archive === undefined && folder === undefined)
        throw new NodelessError({ code: 'ConfigInvalid', message: 'say where to: --archive FILE, or --folder PATH' });
      const { DEFAULT_REFERENCE, providerImage } = await import('../image/provider-image.ts');
      const { dockerArchive } = await import('../local-cluster/images/archive.ts');
      const { writeRoot } = await import('../image/root-folder.ts');
      const image = await providerImage(reference ?? DEFAULT_REFERENCE, untilSignalled());
      if (folder !== undefined) await writeRoot(image, folder);
      if (archive !== undefined) await writeFile(archive, await dockerArchive(image));
      process.stdout.write(`${image.reference} is in ${[archive, folder].filter(Boolean).join(' and ')}\n`);
    });
}
