import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, readEnvironment } from '../../config/environment.ts';
import { messageOf } from '../../core/errors.ts';
import { localFailure } from '../failure.ts';
import type { Progress } from '../progress.ts';
import { goArch } from '../versions.ts';
import { artifactOf, KUBERNETES_PROGRAMS, officialUrl, type Program } from './artifacts.ts';
import { compile } from './compile.ts';
import { downloadProgram } from './download.ts';
import {
  candidatePaths,
  compiledFolder,
  downloadFolder,
  firstExecutable,
  type ProgramFolders,
  programFolders,
  systemProgram,
} from './lookup.ts';

export interface ObtainOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly environment?: Environment;
  /** Ways to get a program that is nowhere yet; tests give their own. */
  readonly download?: typeof downloadProgram;
  readonly compile?: typeof compile;
}

/** Hosts that did not answer in this process; asking again would only cost time. */
const unreachable = new Set<string>();

async function tryDownload(program: Program, folders: ProgramFolders, options: ObtainOptions) {
  const url = officialUrl(program, goArch());
  if (url === undefined || unreachable.has(new URL(url).host)) return undefined;
  const target = join(downloadFolder(artifactOf(program), folders), program);
  options.progress({ step: program, detail: `downloading ${url}` });
  try {
    await (options.download ?? downloadProgram)(url, target, options.signal);
    return target;
  } catch (error) {
    options.signal.throwIfAborted();
    unreachable.add(new URL(url).host);
    options.progress({ step: program, detail: `no download (${messageOf(error)}); compiling instead` });
    return undefined;
  }
}

async function compileIt(program: Program, folders: ProgramFolders, options: ObtainOptions, environment: Environment) {
  const artifact = artifactOf(program);
  const go = await systemProgram('go', environment);
  if (go === undefined) {
    throw localFailure(
      `${program} is neither in KUBEBUILDER_ASSETS nor in ${folders.cacheFolder}, could not be downloaded, and there ` +
        `is no Go to compile it: install Go 1.24 or later from https://go.dev/dl, or put ${program} ${artifact.version} ` +
        'into a folder and name that folder in KUBEBUILDER_ASSETS',
    );
  }
  const folder = await compiledFolder(artifact, folders);
  const { modulesFolder, cacheFolder } = folders;
  const target = join(folder, artifact.name);
  const { progress, signal } = options;
  await (options.compile ?? compile)({ artifact, go, modulesFolder, cacheFolder, target, progress, signal });
  if (artifact.name === 'kubernetes') {
    for (const name of KUBERNETES_PROGRAMS) {
      await symlink('kubernetes', join(folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
  }
  return join(folder, program);
}

/**
 * The path of each program: from KUBEBUILDER_ASSETS, the cache, its official download, or compiled from our modules.
 * @throws NodelessError PrerequisiteMissing that says what to do when none of these works.
 */
export async function obtainPrograms<P extends Program>(
  programs: readonly P[],
  options: ObtainOptions,
): Promise<Readonly<Record<P, string>>> {
  const environment = options.environment ?? readEnvironment();
  const folders = programFolders(environment);
  const paths: Partial<Record<P, string>> = {};
  for (const program of programs) {
    options.signal.throwIfAborted();
    paths[program] =
      (await firstExecutable(await candidatePaths(program, folders))) ??
      (await tryDownload(program, folders, options)) ??
      (await compileIt(program, folders, options, environment));
  }
  return paths as Record<P, string>;
}
