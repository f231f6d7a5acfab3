import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { enterCommand } from '../../src/local-cluster/network/names.ts';
import type { LocalCluster } from '../../src/local-cluster/up.ts';

/** Which specs to run, and how. */
export interface SuiteRun {
  readonly cluster: LocalCluster;
  readonly ginkgo: string;
  /** Path of the compiled suite. */
  readonly suite: string;
  /** Regular expressions on full spec names. */
  readonly focus: readonly string[];
  readonly skip: readonly string[];
  readonly processes: number;
  readonly timeoutMinutes: number;
  readonly signal: AbortSignal;
}

/** What became of the specs that were chosen. */
export interface SuiteResult {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  /** Chosen, but skipped by themselves, with their reason. */
  readonly skipped: readonly { readonly name: string; readonly message: string }[];
  readonly seconds: number;
}

interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeText: string;
  readonly LeafNodeType: string;
  readonly State: string;
  readonly Failure?: { readonly Message: string };
}

function nameOf(report: SpecReport): string {
  return [...(report.ContainerHierarchyTexts ?? []), report.LeafNodeText].join(' ');
}

/** Reads ginkgo's JSON report. Specs outside the focus are skipped without a message and don't count. */
export function readReport(
  reports: readonly { readonly SpecReports: readonly SpecReport[] | null }[],
): Omit<SuiteResult, 'seconds'> {
  const specs = reports.flatMap(({ SpecReports }) => SpecReports ?? []);
  const told = (report: SpecReport) => ({ name: nameOf(report), message: report.Failure?.Message ?? '' });
  const isSpec = ({ LeafNodeType }: SpecReport) => LeafNodeType === 'It';
  return {
    passed: specs.filter((spec) => isSpec(spec) && spec.State === 'passed').map(nameOf),
    failed: specs.filter(({ State }) => !['passed', 'skipped', 'pending'].includes(State)).map(told),
    skipped: specs.filter((spec) => isSpec(spec) && spec.State === 'skipped' && spec.Failure !== undefined).map(told),
  };
}

/** Names of which no spec has run; a name may be the beginning or the middle of a spec's whole one. */
export function notExecuted(names: readonly string[], { passed, failed }: Pick<SuiteResult, 'passed' | 'failed'>) {
  const executed = [...passed, ...failed.map(({ name }) => name)];
  return names.filter((wanted) => !executed.some((name) => name.includes(wanted)));
}

/** Runs the Kubernetes e2e suite against a cluster, in its namespace, in parallel. Its output goes to this process's. */
export async function runSuite(run: SuiteRun): Promise<SuiteResult> {
  const { cluster, ginkgo, suite, focus, skip, processes, timeoutMinutes, signal } = run;
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const report = join(folder, 'report.json');
  const [enter = '', ...rest] = enterCommand(cluster.paths.namespace);
  const startedAtMs = Date.now();
  try {
    await execa(
      enter,
      [
        ...rest,
        ginkgo,
        `--procs=${processes}`,
        `--timeout=${timeoutMinutes}m`,
        '--no-color',
        '--silence-skips',
        `--output-dir=${folder}`,
        '--json-report=report.json',
        ...focus.map((pattern) => `--focus=${pattern}`),
        ...skip.map((pattern) => `--skip=${pattern}`),
        suite,
        '--',
        `--kubeconfig=${cluster.kubeconfigs.admin}`,
        '--provider=skeleton',
        '--non-blocking-taints=',
      ],
      { stdio: ['ignore', 'inherit', 'inherit'], reject: false, cancelSignal: signal, cwd: folder },
    );
    signal.throwIfAborted();
    const parsed = readReport(JSON.parse(await readFile(report, 'utf8')));
    return { ...parsed, seconds: Math.round((Date.now() - startedAtMs) / 1000) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
