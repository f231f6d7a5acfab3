import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../../package.json' with { type: 'json' };
import { NodelessError } from '../core/errors.ts';
import { NODE_FLAGS } from '../core/node-flags.ts';
import type { ImageConfig, ImageSpec } from '../local-cluster/images/archive.ts';
import { directory, type Entry, file } from '../local-cluster/images/entry.ts';
import { withLibraries } from '../local-cluster/images/shared-libraries.ts';
import { isKept, type Lock, OWN_PATHS, packageFolders } from './contents.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The name that the image has unless it is given another. */
export const DEFAULT_REFERENCE = `nodeless.local/nodeless:${packageJson.version}`;

/** Whom it runs as, by number, so that Kubernetes can tell that it is not root; distroless images have the same. */
const USER = 65_532;

/** What a container of the image runs; deploy/image/Dockerfile says the same, and a test compares them. */
export const IMAGE_CONFIG: ImageConfig = {
  user: `${USER}:${USER}`,
  workingDir: '/app',
  entrypoint: ['/usr/bin/node', ...NODE_FLAGS, '/app/src/cli/main.ts'],
  cmd: ['--help'],
  exposedPorts: ['8443/tcp', '9443/tcp', '10250/tcp'],
};

const ETC = [
  file('etc/passwd', `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${USER}:${USER}:nonroot:/app:/sbin/nologin\n`),
  file('etc/group', `root:x:0:\nnonroot:x:${USER}:\n`),
  file('etc/nsswitch.conf', 'hosts: files dns\n'),
  directory('tmp', 0o1777),
];

/** Node.js with the C library of the machine that builds, and nothing else: no shell, no package manager. */
async function base(signal: AbortSignal): Promise<readonly Entry[]> {
  return [...ETC, ...(await withLibraries(join(ROOT, 'node_modules/node/bin/node'), 'node', signal))];
}

async function filesUnder(path: string, isWanted: (name: string) => boolean): Promise<readonly Entry[]> {
  const entries = await readdir(join(ROOT, path), { withFileTypes: true }).catch((cause: unknown) => {
    const message = `${join(ROOT, path)} is missing: run npm ci`;
    throw new NodelessError({ code: 'PrerequisiteMissing', message, cause });
  });
  const found = await Promise.all(
    entries.map(async (entry): Promise<readonly Entry[]> => {
      const inner = `${path}/${entry.name}`;
      // A package within a package is in the lock by itself.
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesUnder(inner, isWanted);
      return entry.isFile() && isWanted(entry.name) ? [await appFile(inner)] : [];
    }),
  );
  return found.flat();
}

async function appFile(path: string): Promise<Entry> {
  return file(`app/${path}`, await readFile(join(ROOT, path)));
}

async function dependencies(): Promise<readonly Entry[]> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const found = await Promise.all(packageFolders(lock).map((folder) => filesUnder(folder, isKept)));
  return found.flat();
}

async function own(): Promise<readonly Entry[]> {
  const isFile = (path: string) => /\.\w+$|^LICENSE$/.test(path);
  const found = await Promise.all(
    OWN_PATHS.map(async (path) => (isFile(path) ? [await appFile(path)] : filesUnder(path, () => true))),
  );
  return found.flat();
}

/**
 * The image of the provider, of this version, from the files that are here.
 * @throws NodelessError PrerequisiteMissing when the dependencies are not installed
 */
export async function providerImage(reference: string, signal: AbortSignal): Promise<ImageSpec> {
  // What changes least comes first, so that registries and nodes keep it.
  const layers = [await base(signal), await dependencies(), await own()];
  return { reference, config: IMAGE_CONFIG, layers };
}
