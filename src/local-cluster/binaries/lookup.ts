import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { goArch, MODULES_FOLDER } from '../versions.ts';
import { type Artifact, artifactOf, type Program } from './artifacts.ts';

/** Where programs are looked for. */
export interface ProgramFolders {
  readonly assetsFolder: string | undefined;
  readonly cacheFolder: string;
  readonly modulesFolder: string;
}

/** The folders that apply, with our own modules. */
export function programFolders(environment: {
  readonly assetsFolder: string | undefined;
  readonly cacheFolder: string;
}): ProgramFolders {
  return {
    assetsFolder: environment.assetsFolder,
    cacheFolder: environment.cacheFolder,
    modulesFolder: MODULES_FOLDER,
  };
}

/** True when the path is a file that may be executed. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function sourceHash(moduleFolder: string): Promise<string> {
  const names = (await readdir(moduleFolder)).filter((name) => name === 'go.mod' || name.endsWith('.go')).sort();
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${name}\0`).update(await readFile(join(moduleFolder, name)));
  return hash.digest('hex').slice(0, 12);
}

/** The folder that holds what was compiled of an artifact; it changes when its version or its sources change. */
export async function compiledFolder(artifact: Artifact, folders: ProgramFolders): Promise<string> {
  const hash = await sourceHash(join(folders.modulesFolder, artifact.module));
  return join(folders.cacheFolder, `${artifact.name}-${artifact.version}-${goArch()}-${hash}`);
}

/** The folder that holds what was downloaded. */
export function downloadFolder(artifact: Artifact, folders: ProgramFolders): string {
  return join(folders.cacheFolder, `${artifact.name}-${artifact.version}-${goArch()}-official`);
}

/** The paths at which a program may be already, best first: KUBEBUILDER_ASSETS, then the cache. */
export async function candidatePaths(program: Program, folders: ProgramFolders): Promise<readonly string[]> {
  const artifact = artifactOf(program);
  return [
    ...(folders.assetsFolder === undefined ? [] : [join(folders.assetsFolder, program)]),
    join(await compiledFolder(artifact, folders), program),
    join(downloadFolder(artifact, folders), program),
  ];
}

/** The first of the paths that is executable. */
export async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** A program of the system's: KUBEBUILDER_ASSETS first, then the PATH and the folders that a plain user's PATH lacks. */
export async function systemProgram(
  program: string,
  environment: { readonly assetsFolder: string | undefined; readonly path: string },
): Promise<string | undefined> {
  const folders = [
    ...(environment.assetsFolder === undefined ? [] : [environment.assetsFolder]),
    ...environment.path.split(delimiter).filter((folder) => folder !== ''),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/local/go/bin',
  ];
  return firstExecutable(folders.map((folder) => join(folder, program)));
}
