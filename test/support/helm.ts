import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import type { Progress } from '../../src/local-cluster/progress.ts';

export const CHART = fileURLToPath(new URL('../../deploy/helm/nodeless', import.meta.url));
const TIMEOUT_MS = 120_000;

/** Helm, compiled from its Go module once; whatever its exit code. */
export async function helmTool(progress: Progress, signal: AbortSignal, kubeconfig: string) {
  const { helm } = await obtainPrograms(['helm'], { progress, signal });
  const env = { KUBECONFIG: kubeconfig };
  return async (...args: readonly string[]) => {
    const {
      exitCode = 1,
      stdout,
      all = '',
    } = await execa(helm, args, {
      env,
      timeout: TIMEOUT_MS,
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    return { exitCode, stdout, all };
  };
}
