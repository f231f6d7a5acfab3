import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, readEnvironment } from '../../config/environment.ts';
import { systemProgram } from '../binaries/lookup.ts';
import { obtainPrograms } from '../binaries/obtain.ts';
import { localFailure } from '../failure.ts';
import { run } from '../processes/run.ts';
import type { Progress } from '../progress.ts';
import { dockerArchive, type ImageSpec } from './archive.ts';
import { type ImageInputs, imageCatalog } from './catalog.ts';
import { porterPair } from './porter.ts';
import { withLibraries } from './shared-libraries.ts';

/** An image as a docker archive on disk. */
export interface ImageArchive {
  readonly reference: string;
  /** Path of a tar for `ctr --namespace k8s.io images import`. */
  readonly path: string;
}

export interface PrepareImagesOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly environment?: Environment;
  /** Which ones: those that every machine starts with unless given. */
  readonly catalog?: (inputs: ImageInputs) => readonly ImageSpec[];
}

async function needed(program: string, debianPackage: string, environment: Environment): Promise<string> {
  const path = await systemProgram(program, environment);
  if (path === undefined) throw localFailure(`${program} is missing: install the package ${debianPackage}`);
  return path;
}

async function readInputs(options: PrepareImagesOptions, environment: Environment): Promise<ImageInputs> {
  const { signal } = options;
  const programs = await obtainPrograms(['pause', 'agnhost', 'nnp'], { ...options, environment });
  const busybox = await needed('busybox', 'busybox-static', environment);
  const applets = (await run([busybox, '--list-full'], { signal })).stdout.trim().split('\n');
  const porter = await porterPair(environment.cacheFolder);
  return {
    busybox: await readFile(busybox),
    applets,
    bash: await readFile(await needed('bash-static', 'bash-static', environment)),
    pause: await readFile(programs.pause),
    agnhost: await readFile(programs.agnhost),
    nnp: await readFile(programs.nnp),
    networkTools: [
      ...(await withLibraries(await needed('curl', 'curl', environment), 'curl', signal)),
      ...(await withLibraries(await needed('ss', 'iproute2', environment), 'ss', signal)),
      ...(await withLibraries(await needed('nc.openbsd', 'netcat-openbsd', environment), 'nc', signal)),
    ],
    dnsTools: [
      ...(await withLibraries(await needed('dig', 'bind9-dnsutils', environment), 'dig', signal)),
      ...(await withLibraries(await needed('getent', 'libc-bin', environment), 'getent', signal)),
    ],
    porterCertificate: Buffer.from(porter.certificate),
    porterKey: Buffer.from(porter.key),
  };
}

/** Changes when the content or the configuration of any image does. */
function digestOf(specs: readonly ImageSpec[]): string {
  const hash = createHash('sha256');
  for (const spec of specs) {
    hash.update(JSON.stringify([spec.reference, spec.config]));
    for (const entry of spec.layers.flat()) {
      hash.update(`\0${entry.kind}\0${entry.path}\0${entry.mode}\0`);
      if (entry.kind === 'file') hash.update(entry.content);
      if (entry.kind === 'symlink') hash.update(entry.target);
    }
  }
  return hash.digest('hex').slice(0, 12);
}

/** `registry.k8s.io/e2e-test-images/agnhost:2.56` → `agnhost-2.56.tar`. */
export function archiveName(reference: string): string {
  return `${reference.slice(reference.lastIndexOf('/') + 1).replace(':', '-')}.tar`;
}

/**
 * The images of a local cluster as archives in the cache, written once per content.
 * @throws NodelessError PrerequisiteMissing when a program that goes into them can't be had.
 */
export async function prepareImages(options: PrepareImagesOptions): Promise<readonly ImageArchive[]> {
  const environment = options.environment ?? readEnvironment();
  const { catalog = imageCatalog } = options;
  const specs = catalog(await readInputs(options, environment));
  const folder = join(environment.cacheFolder, `images-${digestOf(specs)}`);
  const archives = specs.map(({ reference }) => ({ reference, path: join(folder, archiveName(reference)) }));
  await mkdir(folder, { recursive: true });
  for (const [index, spec] of specs.entries()) {
    options.signal.throwIfAborted();
    const path = archives[index]?.path ?? '';
    if (existsSync(path)) continue;
    options.progress({ step: 'images', detail: `building ${spec.reference}` });
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, await dockerArchive(spec));
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  return archives;
}
