import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localFailure } from '../failure.ts';
import { run } from '../processes/run.ts';
import { elapsed, type Progress } from '../progress.ts';
import type { Artifact } from './artifacts.ts';

const COMPILE_TIMEOUT_MS = 45 * 60_000;
const TICK_MS = 1_000;

/** Under the lock: nothing to do if another process has made it; else compile beside it and move it there. */
const BUILD_SCRIPT = `
target=$1; temporary=$2; shift 2
[ -x "$target" ] && exit 0
mkdir -p "$(dirname "$target")"
rm -f "$target".*.tmp
"$@" && mv "$temporary" "$target"`;

/** The arguments of the `go` command that makes an artifact at `output`. `-v` names each package as it is compiled. */
export function goArguments(artifact: Artifact, output: string): readonly string[] {
  return [...artifact.verb, '-v', '-trimpath', '-ldflags', artifact.ldflags, '-o', output, artifact.package];
}

export interface CompileOptions {
  readonly artifact: Artifact;
  /** Path of the `go` program. */
  readonly go: string;
  readonly modulesFolder: string;
  readonly cacheFolder: string;
  readonly target: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Compiles an artifact to `target`. Only one compilation runs per cache folder at a time, whoever started it;
 * the lock is the kernel's, so it can't be left behind.
 * @throws NodelessError PrerequisiteMissing with the compiler's last words.
 */
export async function compile(options: CompileOptions): Promise<void> {
  const { artifact, target, progress, signal } = options;
  const temporary = `${target}.${process.pid}.tmp`;
  const startedAtMs = Date.now();
  let packages = 0;
  const tell = () =>
    progress({
      step: artifact.name,
      detail: `compiling ${artifact.version} (${artifact.estimate}): ${packages} packages, ${elapsed(Date.now() - startedAtMs)}`,
    });
  await mkdir(options.cacheFolder, { recursive: true });
  tell();
  const timer = setInterval(tell, TICK_MS);
  try {
    await run(
      [
        'flock',
        join(options.cacheFolder, 'compile.lock'),
        ...['sh', '-c', BUILD_SCRIPT, 'sh', target, temporary],
        ...[options.go, ...goArguments(artifact, temporary)],
      ],
      {
        signal,
        timeoutMs: COMPILE_TIMEOUT_MS,
        cwd: join(options.modulesFolder, artifact.module),
        env: { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
        onStderrLine: (line) => {
          if (!line.startsWith('go: ')) packages += 1;
        },
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw localFailure(
      `can't compile ${artifact.name} ${artifact.version}; if the message below speaks of downloads, ` +
        'let the machine reach a Go module proxy (GOPROXY) once',
      error,
    );
  } finally {
    clearInterval(timer);
  }
}
