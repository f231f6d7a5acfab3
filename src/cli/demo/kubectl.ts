import { join } from 'node:path';
import { enterCommand } from '../../local-cluster/network/names.ts';
import { run } from '../../local-cluster/processes/run.ts';
import type { LocalCluster } from '../../local-cluster/up.ts';
import type { StepView } from './screen.ts';

/** Programs that act on the demo's cluster. */
export interface Tools {
  /** Runs kubectl as the cluster's administrator; rejects with its own words. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** The same, with the command line and what it printed on the screen. */
  show(view: StepView, ...args: readonly string[]): Promise<string>;
  /** Runs a program in the cluster's network namespace. */
  inside(...argv: readonly string[]): Promise<string>;
}

const TIMEOUT_MS = 60_000;

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line as a person would type it. */
export function typed(program: string, args: readonly string[]): string {
  return [program, ...args].map(quoted).join(' ');
}

/** Tools for a cluster that is up. */
export function toolsOf(cluster: LocalCluster, signal: AbortSignal): Tools {
  const program = join(cluster.binDir, 'kubectl');
  // Its discovery cache goes with the cluster.
  const env = { KUBECONFIG: cluster.kubeconfigs.admin, KUBECACHEDIR: join(cluster.paths.stateDir, 'kubectl') };
  const options = { env, signal, timeoutMs: TIMEOUT_MS };
  const kubectl = async (args: readonly string[], input?: string) => {
    const result = await run([program, ...args], { ...options, ...(input === undefined ? {} : { input }) });
    return result.stdout.trimEnd();
  };
  return {
    kubectl,
    async show(view, ...args) {
      const output = await kubectl(args);
      view.line(`$ ${typed('kubectl', args)}\n${output}`);
      return output;
    },
    async inside(...argv) {
      return (await run([...enterCommand(cluster.paths.namespace), ...argv], options)).stdout;
    },
  };
}
