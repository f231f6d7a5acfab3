import { dirname } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { LocalPrograms } from '../../providers/local/options.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { systemProgram } from '../../src/local-cluster/binaries/lookup.ts';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import { prepareImages } from '../../src/local-cluster/images/prepare.ts';
import { CNI_FOLDER, ensureSystemPrograms } from '../../src/local-cluster/system-packages.ts';

/** What local cells on this machine are made of. */
export interface LocalMachine {
  readonly programs: LocalPrograms;
  /** The archives that a local cluster's cells boot with, and nothing else. */
  readonly imagesDir: string;
  readonly cacheDir: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Or why local cells can't run here, in one line. */
    localMachine: LocalMachine | string;
  }
}

async function prepare(): Promise<LocalMachine | string> {
  if (process.platform !== 'linux') return 'local cells need Linux';
  if (process.getuid?.() !== 0) return 'local cells need root';
  const environment = readEnvironment();
  const options = {
    environment,
    signal: new AbortController().signal,
    progress: ({ step, detail }: { readonly step: string; readonly detail: string }) =>
      console.log(`${step}: ${detail}`),
  };
  await ensureSystemPrograms(options);
  const { kubelet } = await obtainPrograms(['kubelet'], options);
  const containerd = await systemProgram('containerd', environment);
  const [image] = await prepareImages(options);
  if (containerd === undefined || image === undefined) throw new Error('preparing a local machine left it unprepared');
  return {
    programs: { kubelet, containerd, cniBinDir: CNI_FOLDER },
    imagesDir: dirname(image.path),
    cacheDir: environment.cacheFolder,
  };
}

/** Makes ready, on a machine that has nothing, what local cells need; where they can't run, their tests are skipped. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('localMachine', await prepare());
}
