import { Listr, type ListrTaskWrapper, PRESET_TIMER } from 'listr2';
import { messageOf } from '../../core/errors.ts';
import { elapsed, type ProgressEvent } from '../../local-cluster/progress.ts';
import { createThrottle } from './throttle.ts';

/** What a step shows while it runs. */
export interface StepView {
  /** What is under way; the next one takes its place. */
  progress(event: ProgressEvent): void;
  /** A line, or several, that stay. */
  line(text: string): void;
  /** A line for a log; on a terminal a table shows the same. */
  logLine(text: string): void;
  /** Rows that are drawn again and again on a terminal; elsewhere lines have told the same. */
  table(rows: readonly string[]): void;
}

/** Where the demo tells what it does. */
export interface Screen {
  /** True on a terminal, where lines can be drawn again. */
  readonly live: boolean;
  /** Runs one step under its title, with its elapsed time, and says how it ended. */
  step<T>(title: string, work: (view: StepView) => Promise<T>): Promise<T>;
  /** Text between steps; empty for an empty line. */
  say(text: string): void;
}

type Wrapper = ListrTaskWrapper<unknown, never, never>;

const TIMER = { ...PRESET_TIMER, field: (ms: number) => `${(ms / 1000).toFixed(1)} s` };
const TICK_MS = 1_000;

/** On a terminal: everything of a step is one block that is drawn again when a part of it changes. */
function liveView(task: Wrapper, title: string): StepView & { end(): void } {
  const lines: string[] = [];
  let rows: readonly string[] = [];
  let current: readonly string[] = [];
  const draw = () => {
    const text = [...lines, ...rows, ...current].join('\n');
    if (text !== '') task.output = text;
  };
  const startedAtMs = Date.now();
  const timer = setInterval(() => {
    task.title = `${title} (${elapsed(Date.now() - startedAtMs)})`;
  }, TICK_MS);
  return {
    progress({ step, detail }) {
      current = [`${step}: ${detail}`];
      draw();
    },
    line(text) {
      lines.push(...rows, text);
      rows = [];
      current = [];
      draw();
    },
    logLine() {},
    table(next) {
      rows = next;
      draw();
    },
    end() {
      clearInterval(timer);
      task.title = title;
      current = [];
      if (lines.length + rows.length > 0) draw();
      // A null resets the output: nothing of what was under way stays.
      else task.output = null as unknown as string;
    },
  };
}

/** Elsewhere: a line for each thing, and not the same thing every second. */
function plainView(task: Wrapper): StepView & { end(): void } {
  const isNews = createThrottle(Date.now);
  const tell = (text: string) => {
    task.output = text;
  };
  return {
    progress({ step, detail }) {
      const text = `${step}: ${detail}`;
      if (isNews(text)) tell(text);
    },
    line: tell,
    logLine: tell,
    table() {},
    end() {},
  };
}

function brief(error: unknown): Error {
  return new Error(messageOf(error).split('\n')[0]);
}

/** The screen of this process's standard output: drawn on a terminal, line by line and without colours elsewhere. */
export function createScreen(live: boolean = process.stdout.isTTY === true): Screen {
  return {
    live,
    async step<T>(title: string, work: (view: StepView) => Promise<T>): Promise<T> {
      let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
      const task = async (_: unknown, wrapper: Wrapper) => {
        const view = live ? liveView(wrapper, title) : plainView(wrapper);
        try {
          outcome = { value: await work(view) };
        } catch (error) {
          outcome = { error };
          // The whole of it is told at the end.
          throw brief(error);
        } finally {
          view.end();
        }
      };
      const options = { registerSignalListeners: false };
      const list = live
        ? new Listr([{ title, task, rendererOptions: { persistentOutput: true, timer: TIMER } }], {
            ...options,
            renderer: 'default',
            rendererOptions: { collapseErrors: false },
          })
        : new Listr([{ title, task, rendererOptions: { timer: TIMER } }], { ...options, renderer: 'simple' });
      await (list as { run(): Promise<unknown> }).run().catch(() => undefined);
      if (outcome !== undefined && 'value' in outcome) return outcome.value;
      throw outcome?.error ?? new Error(`${title} did not run`);
    },
    say(text) {
      process.stdout.write(`${text}\n`);
    },
  };
}
