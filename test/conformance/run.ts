import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { untilSignalled } from '../../src/cli/until-signalled.ts';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { startRegularNode } from '../../src/local-cluster/regular-node.ts';
import { up } from '../../src/local-cluster/up.ts';
import { positiveOption } from '../support/number-options.ts';
import { startRegistry } from './registry.ts';
import { notExecuted, runSuite, type SuiteResult } from './suite.ts';

const CLUSTER = 'conformance';
const CERTIFIED = String.raw`\[Conformance\]`;
const SKIPPED_KINDS = [String.raw`\[Serial\]`, String.raw`\[Slow\]`, String.raw`\[Feature`, String.raw`\[Disruptive\]`];

/**
 * Untainted, and cells outlive completion: most specs read the logs of pods that have finished. Pods of the suite request
 * nothing; some of its specs race against their containers' first line of output, which a quarter of a CPU loses.
 */
const CONFIG = {
  virtualNode: { taints: [] },
  cells: { completedLinger: 'unlimited', defaultSize: { cpu: '1', memory: '256Mi' } },
};

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The specs of `npm test`: chosen over all areas, a few minutes in all. */
async function readSlice(): Promise<readonly string[]> {
  const text = await readFile(new URL('./slice.txt', import.meta.url), 'utf8');
  return text.split('\n').filter(Boolean);
}

function tell(result: SuiteResult): void {
  for (const { name, message } of result.failed) process.stdout.write(`FAILED ${name}\n  ${message.split('\n')[0]}\n`);
  for (const { name, message } of result.skipped) process.stdout.write(`skipped ${name}: ${message.split('\n')[0]}\n`);
  const { passed, failed, skipped, seconds } = result;
  const figures = `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`;
  process.stdout.write(`conformance on cells: ${figures} in ${seconds} s\n`);
}

interface Options {
  readonly focus?: string;
  readonly certified: boolean;
  readonly secondNode: boolean;
  readonly parallel: number;
  readonly summary?: string;
  readonly timeout: number;
}

const values = new Command('npm run test:conformance --')
  .description("Runs Kubernetes' own end-to-end suite against cells; the slice of npm test unless told otherwise.")
  .option('--focus <regex>', 'specs whose full name matches, such as "\\[NodeConformance\\]"')
  .option('--certified', "all specs of Kubernetes' conformance programme, serial and slow ones too", false)
  .option('--second-node', 'a stock node stands beside the virtual one, for specs that need two', false)
  .option('--parallel <number>', 'specs at once', positiveOption, 4)
  .option('--timeout <minutes>', 'for the whole suite', positiveOption, 30)
  .option('--summary <file>', 'passed, failed, skipped and their names, as JSON')
  .parse()
  .opts<Options>();
const { certified } = values;
const slice = certified || values.focus !== undefined ? [] : await readSlice();
const focus = slice.length > 0 ? slice.map(literally) : [values.focus ?? CERTIFIED];
const skip = certified ? [] : SKIPPED_KINDS;
const signal = untilSignalled();
const progress = ({ step, detail }: { step: string; detail: string }) => process.stdout.write(`${step}: ${detail}\n`);

try {
  const programs = await obtainPrograms(['ginkgo', 'e2e.test'], { progress, signal });
  const cluster = await up({ name: CLUSTER, replace: true, signal, progress });
  const registryMirror = await startRegistry(cluster, progress, signal);
  if (values.secondNode) await startRegularNode({ ...cluster, registryMirror, progress, signal });
  await startProvider({ cluster, signal, config: { ...CONFIG, local: { registryMirror } } });
  const result = await runSuite({
    cluster,
    ginkgo: programs.ginkgo,
    suite: programs['e2e.test'],
    focus,
    skip,
    processes: values.parallel,
    timeoutMinutes: values.timeout,
    signal,
  });
  tell(result);
  if (values.summary !== undefined) await writeFile(values.summary, JSON.stringify(result, undefined, 2));
  const missing = notExecuted(slice, result);
  for (const name of missing) process.stdout.write(`NOT EXECUTED ${name}\n`);
  if (result.failed.length > 0 || result.passed.length === 0 || missing.length > 0) process.exitCode = 1;
} finally {
  await down({ name: CLUSTER });
}
const left = await leftovers({ name: CLUSTER });
if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`);
