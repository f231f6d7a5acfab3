import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { type Pack, pack } from 'tar-stream';
import { goArch } from '../versions.ts';
import { completeTree, type Entry } from './entry.ts';

/** What a container of the image runs, in the terms of the OCI image configuration. */
export interface ImageConfig {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly exposedPorts?: readonly string[];
}

export interface ImageSpec {
  /** The full reference, such as `registry.k8s.io/pause:3.10.1`. */
  readonly reference: string;
  readonly config: ImageConfig;
  /** Lowest first; images that share a layer share its bytes and its digest. */
  readonly layers: readonly (readonly Entry[])[];
}

const EPOCH = new Date(0);
const CREATED = '1970-01-01T00:00:00Z';

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function put(archive: Pack, entry: Entry): void {
  const common = { mode: entry.mode, uid: 0, gid: 0, mtime: EPOCH };
  if (entry.kind === 'directory') archive.entry({ ...common, name: entry.path, type: 'directory' });
  else if (entry.kind === 'symlink') {
    archive.entry({ ...common, name: entry.path, type: 'symlink', linkname: entry.target });
  } else archive.entry({ ...common, name: entry.path, size: entry.content.length }, entry.content);
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive);
  for (const entry of entries) put(archive, entry);
  archive.finalize();
  return whole;
}

function imageConfig(config: ImageConfig, diffIds: readonly string[]): string {
  return JSON.stringify({
    architecture: goArch(),
    os: 'linux',
    created: CREATED,
    config: {
      ...(config.user === undefined ? {} : { User: config.user }),
      ...(config.exposedPorts === undefined
        ? {}
        : { ExposedPorts: Object.fromEntries(config.exposedPorts.map((port) => [port, {}])) }),
      Env: config.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
      ...(config.cmd === undefined ? {} : { Cmd: config.cmd }),
      WorkingDir: config.workingDir ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: diffIds.map((id) => `sha256:${id}`) },
    history: diffIds.map(() => ({ created: CREATED, created_by: 'nodeless local cluster' })),
  });
}

/**
 * The image as `docker save` writes it, for `ctr images import`: manifest.json, configuration, layers.
 * The same spec gives the same bytes.
 */
export async function dockerArchive(spec: ImageSpec): Promise<Buffer> {
  const layers = await Promise.all(spec.layers.map((entries) => tar(completeTree(entries))));
  const diffIds = layers.map(sha256);
  const config = imageConfig(spec.config, diffIds);
  const configName = `${sha256(config)}.json`;
  const layerNames = diffIds.map((id) => `${id}/layer.tar`);
  const manifest = [{ Config: configName, RepoTags: [spec.reference], Layers: layerNames }];
  return tar([
    { kind: 'file', path: 'manifest.json', mode: 0o644, content: Buffer.from(JSON.stringify(manifest)) },
    { kind: 'file', path: configName, mode: 0o644, content: Buffer.from(config) },
    ...layers.flatMap((content, index): Entry[] => [
      { kind: 'directory', path: diffIds[index] ?? '', mode: 0o755 },
      { kind: 'file', path: layerNames[index] ?? '', mode: 0o644, content },
    ]),
  ]);
}
