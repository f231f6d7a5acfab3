import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { NodelessError } from '../../../src/core/errors.ts';
import { containerdConfig } from '../../kubelet/containerd-config.ts';
import { quote } from '../../kubelet/shell.ts';
import { systemCode } from './files.ts';

const BUILD_TIMEOUT_MS = 300_000;
const BLOBS = 'io.containerd.content.v1.content/blobs/sha256';
const METADATA = 'io.containerd.metadata.v1.bolt/meta.db';
const SNAPSHOTS = 'io.containerd.snapshotter.v1.overlayfs/snapshots';
const SNAPSHOT_METADATA = 'io.containerd.snapshotter.v1.overlayfs/metadata.db';

/** What a template is made from, and where it is kept. */
export interface TemplateOptions {
  /** Templates are `<cacheDir>/containerd-root-<hash>`. */
  readonly cacheDir: string;
  /** docker or OCI archives (`*.tar`). */
  readonly archives: readonly string[];
  readonly containerd: string;
  readonly sandboxImage: string;
}

async function hashOf(archives: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update('layout 1');
  for (const archive of [...archives].sort()) {
    hash.update(`\0${basename(archive)}\0`);
    for await (const chunk of createReadStream(archive)) hash.update(chunk);
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Runs a private containerd long enough to import and unpack the archives; its mounts end with the script. */
function buildScript(directory: string, options: TemplateOptions): string {
  const client = quote(join(dirname(options.containerd), 'ctr'));
  const imports = options.archives.map(
    (archive) => `"$ctr" -n k8s.io images import --snapshotter overlayfs ${quote(archive)} >/dev/null`,
  );
  return `set -eu
mount -t tmpfs tmpfs /run
ctr=${client}
[ -x "$ctr" ] || ctr=ctr
${quote(options.containerd)} --config ${quote(`${directory}/containerd.toml`)} > ${quote(`${directory}/log`)} 2>&1 &
tries=0
until "$ctr" version >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 200 ] || { echo "containerd does not answer" >&2; exit 1; }
  sleep 0.05
done
${imports.join('\n')}
# The CRI plugin labels images as events reach it.
tries=0
while "$ctr" -n k8s.io images ls | tail -n +2 | grep -v -q io.cri-containerd.image=managed && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
kill -TERM $!
wait $! || :
`;
}

/**
 * The containerd root with the archives' images unpacked, made once per content of the archives: a local cell's
 * machine image. Concurrent callers may both build it; one result is kept.
 * @throws NodelessError InvalidConfig when an archive can't be imported.
 */
export async function containerdTemplate(options: TemplateOptions, signal: AbortSignal): Promise<string> {
  const final = join(options.cacheDir, `containerd-root-${await hashOf(options.archives)}`);
  if (await exists(final)) return final;
  const directory = `${final}.${randomBytes(4).toString('hex')}.tmp`;
  await mkdir(directory, { recursive: true });
  try {
    const toml = containerdConfig({
      root: join(directory, 'root'),
      cniConfDir: directory,
      cniBinDir: directory,
      registryDir: directory,
      sandboxImage: options.sandboxImage,
    });
    await writeFile(join(directory, 'containerd.toml'), toml);
    // --pid --kill-child: whatever ends the script ends its containerd.
    const isolated = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
    await execa('unshare', [...isolated, 'sh', '-c', buildScript(directory, options)], {
      cancelSignal: signal,
      timeout: BUILD_TIMEOUT_MS,
      forceKillAfterDelay: 1000,
      stdin: 'ignore',
    });
    await rename(join(directory, 'root'), final).catch((error) => {
      if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error;
    });
    return final;
  } catch (error) {
    signal.throwIfAborted();
    throw new NodelessError({
      code: 'InvalidConfig',
      message: `the image archives could not be imported into containerd: ${error instanceof Error ? error.message : error}`,
      cause: error,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A hard link where the file system allows, else a copy. */
async function share(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error) => {
    if (systemCode(error) !== 'EXDEV' && systemCode(error) !== 'EPERM') throw error;
    await copyFile(from, to);
  });
}

/**
 * Makes a containerd root that begins with the template's images, unless `root` is there already. Only what never
 * changes is shared: blobs by hard link, unpacked layers by a link to the template's folder (they are lower layers of
 * overlay mounts, which the kernel writes around). Both databases are copies. Costs no more than the number of layers,
 * however many files they hold.
 */
export async function cloneTemplate(template: string, root: string): Promise<void> {
  if (await exists(root)) return;
  const draft = `${root}.${randomBytes(4).toString('hex')}.tmp`;
  const at = (path: string) => join(draft, path);
  const from = (path: string) => join(template, path);
  await Promise.all([
    mkdir(at(BLOBS), { recursive: true }),
    mkdir(at('io.containerd.content.v1.content/ingest'), { recursive: true }),
    mkdir(dirname(at(METADATA)), { recursive: true }),
    mkdir(at(SNAPSHOTS), { recursive: true, mode: 0o700 }),
  ]);
  const [blobs, snapshots] = await Promise.all([readdir(from(BLOBS)), readdir(from(SNAPSHOTS))]);
  await Promise.all([
    copyFile(from(METADATA), at(METADATA)),
    copyFile(from(SNAPSHOT_METADATA), at(SNAPSHOT_METADATA)),
    ...blobs.map((blob) => share(from(`${BLOBS}/${blob}`), at(`${BLOBS}/${blob}`))),
    ...snapshots.map((id) => symlink(from(`${SNAPSHOTS}/${id}`), at(`${SNAPSHOTS}/${id}`))),
  ]);
  // Whoever renames first wins: a second starter must not touch the databases of a containerd that runs.
  await rename(draft, root).catch(async (error) => {
    if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error;
    await rm(draft, { recursive: true, force: true });
  });
}
