import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CellLog } from '../../../src/cli/demo/cell-log.ts';
import { localGround, simulatedGround } from '../../../src/cli/demo/ground.ts';
import type { Observer } from '../../../src/cli/demo/observer.ts';
import { PodLog } from '../../../src/cli/demo/pod-log.ts';
import { closingLines, newRun, summaryOf } from '../../../src/cli/demo/run.ts';
import { Journal, writeSummary } from '../../../src/cli/demo/summary.ts';
import { explain, NodelessError } from '../../../src/core/errors.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';

function pod(uid: string, ready: boolean): WirePod {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { metadata: { name: uid, uid }, spec: { containers: [] }, status: { conditions } };
}

describe('the journal', () => {
  it('has each step with its seconds, and which one failed', async () => {
    let nowMs = 0;
    const journal = new Journal(() => nowMs);
    await journal.time('first', async () => {
      nowMs = 1_234;
    });
    await expect(journal.time('second', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await journal.time('take down', async () => undefined);
    expect(journal.steps).toEqual([
      { name: 'first', seconds: 1.23, ok: true },
      { name: 'second', seconds: 0, ok: false },
      { name: 'take down', seconds: 0, ok: true },
    ]);
    expect(journal.failed).toBe('second');
  });
});

describe('the summary', () => {
  it('has the figures that were observed', () => {
    const cells = new CellLog();
    const pods = new PodLog();
    const status = { phase: 'running', pod: 'default/a' };
    cells.take({ type: 'ADDED', object: { metadata: { name: 'cell-a' }, status } }, 0);
    pods.take({ type: 'ADDED', object: pod('a', false) }, 0);
    pods.take({ type: 'MODIFIED', object: pod('a', true) }, 2_500);
    pods.take({ type: 'ADDED', object: pod('never', false) }, 0);
    const run = newRun(new Journal(), false);
    run.ground = localGround();
    run.observer = { cells, pods } as unknown as Observer;
    const summary = summaryOf(run);
    const observed = { cellsLaunched: 1, mostCellsAtOnce: 1, podsReady: 1, podStartSeconds: [2.5] };
    expect(summary).toMatchObject({ ok: true, mode: 'local', skipped: [], leftBehind: [], ...observed });
    expect(closingLines(summary)).toMatch(/^\n1 pods on 1 cells, at most 1 at once, in [\d.]+ s\.$/);
  });

  it('names what simulated cells can not show, and why cells were simulated', () => {
    const run = newRun(new Journal(), false);
    Object.assign(run, { ground: simulatedGround(), missing: ['root: run "sudo npm run demo"'] });
    expect(summaryOf(run)).toMatchObject({
      mode: 'simulated',
      skipped: ['stateful', 'traffic', 'logs', 'exec'],
      missing: ['root: run "sudo npm run demo"'],
    });
  });

  it('is not ok when something failed or was left behind, and tells the failure with its cause', () => {
    const run = newRun(new Journal(), true);
    run.failure = new NodelessError({ code: 'PrerequisiteMissing', message: 'no etcd', cause: new Error('ENOENT') });
    expect(summaryOf(run)).toMatchObject({
      ok: false,
      mode: 'simulated',
      error: { message: 'no etcd\nENOENT', code: 'PrerequisiteMissing' },
    });
    const left = newRun(new Journal(), true);
    left.leftBehind = ['process 1'];
    expect(summaryOf(left)).toMatchObject({ ok: false, leftBehind: ['process 1'] });
  });

  it('is written as JSON, in folders that are made for it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nodeless-summary-'));
    const file = join(folder, 'a/b/summary.json');
    await writeSummary(file, summaryOf(newRun(new Journal(), true)));
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ ok: true, steps: [] });
    await rm(folder, { recursive: true });
  });
});

describe('an explanation', () => {
  it('has every cause once', () => {
    const inner = new Error('disk full');
    expect(explain(new AggregateError([inner, new Error('busy')], 'both failed'))).toBe('both failed\ndisk full\nbusy');
    expect(explain(new Error('can not write: disk full', { cause: inner }))).toBe('can not write: disk full');
  });
});
