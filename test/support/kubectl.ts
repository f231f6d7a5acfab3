import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { enterCommand } from '../../src/local-cluster/network/names.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test needs to act on a local cluster from outside: kubectl, and programs inside its namespace. */
export interface ClusterTools {
  /** Runs kubectl as the cluster's administrator; rejects with its stderr when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** kubectl, whatever its exit code. */
  tryKubectl(...args: readonly string[]): Promise<Outcome>;
  /** The same with an object as JSON on its standard input, for `-f -`. */
  trySend(object: object, ...args: readonly string[]): Promise<Outcome>;
  /** An object or a list, as JSON. */
  get<T>(...args: readonly string[]): Promise<T>;
  apply(...objects: readonly object[]): Promise<string>;
  /** Runs a program in the cluster's network namespace. */
  inside(program: string, ...args: readonly string[]): Promise<string>;
  readonly kubeconfig: string;
  readonly kubectlPath: string;
}

const TIMEOUT_MS = 120_000;

/** Tools for the local cluster of this name. */
export function toolsOf(clusterName: string): ClusterTools {
  const paths = clusterPaths({ name: clusterName });
  const kubeconfig = join(paths.kubeconfigDir, 'admin.yaml');
  const kubectlPath = join(paths.binDir, 'kubectl');
  const options = { timeout: TIMEOUT_MS, env: { KUBECONFIG: kubeconfig }, stripFinalNewline: true } as const;

  async function run(args: readonly string[], input = ''): Promise<Outcome> {
    const { exitCode = 1, stdout, stderr } = await execa(kubectlPath, args, { ...options, reject: false, input });
    return { exitCode, stdout, stderr };
  }
  const tryKubectl = (...args: readonly string[]) => run(args);
  async function kubectl(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await tryKubectl(...args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr || stdout}`);
    return stdout;
  }
  return {
    kubectl,
    tryKubectl,
    trySend: (object, ...args) => run(args, JSON.stringify(object)),
    kubeconfig,
    kubectlPath,
    get: async (...args) => JSON.parse(await kubectl('get', ...args, '-o', 'json')),
    async apply(...objects) {
      const input = objects.map((object) => stringify(object)).join('---\n');
      const { stdout } = await execa(kubectlPath, ['apply', '-f', '-'], { ...options, input });
      return stdout;
    },
    async inside(program, ...args) {
      const [enter = '', ...rest] = enterCommand(paths.namespace);
      const { stdout } = await execa(enter, [...rest, program, ...args], { timeout: TIMEOUT_MS, stdin: 'ignore' });
      return stdout;
    },
  };
}
