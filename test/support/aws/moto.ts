import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { readEnvironment } from '../../../src/config/environment.ts';

/** An emulator of AWS' APIs: https://docs.getmoto.org */
const MOTO_VERSION = '5.2.5';
const INSTALL_TIMEOUT_MS = 240_000;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

const run = promisify(execFile);

function motoFolder(): string {
  return join(readEnvironment().cacheFolder, 'moto');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The Python of a virtual environment that has moto, which is made when it is not there yet. */
async function motoPython(): Promise<string> {
  const parent = motoFolder();
  const folder = join(parent, MOTO_VERSION);
  const python = join(folder, 'bin', 'python');
  if (await exists(python)) return python;
  await mkdir(parent, { recursive: true });
  // Made aside and renamed, so that what is there is whole, whoever else makes it at the same time.
  const aside = await mkdtemp(join(parent, 'new-'));
  try {
    await run('python3', ['-m', 'venv', aside], { timeout: INSTALL_TIMEOUT_MS });
    const install = ['-m', 'pip', 'install', '--quiet', `moto[server]==${MOTO_VERSION}`];
    await run(join(aside, 'bin', 'python'), install, { timeout: INSTALL_TIMEOUT_MS });
    await rename(aside, folder).catch(async (error: unknown) => {
      if (!(await exists(python))) throw error;
    });
  } catch (cause) {
    throw new Error('the AWS emulator needs python3 with venv, and moto[server] from PyPI', { cause });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return python;
}

export interface Moto {
  readonly url: string;
  /** A folder for what is made of this version of the emulator. */
  readonly cacheFolder: string;
  stop(): Promise<void>;
}

/** The line in which the server tells its address, within the deadline. */
async function addressOf(server: ChildProcess): Promise<string> {
  const { stderr } = server;
  if (stderr === null) throw new Error('the emulator has no standard error');
  const said: string[] = [];
  const late = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: stderr })) {
      said.push(line);
      const url = /Running on (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
  } finally {
    clearTimeout(late);
    // Each request is a line; a pipe that nobody reads would stop the server.
    stderr.resume();
  }
  throw new Error(`the emulator did not come up: ${said.slice(-5).join(' | ')}`);
}

/** Starts an emulator of its own on a free port of loopback. */
export async function startMoto(): Promise<Moto> {
  const server = spawn(await motoPython(), ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  const exited = once(server, 'exit');
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  const url = await addressOf(server);
  return {
    url,
    cacheFolder: join(motoFolder(), `${MOTO_VERSION}-answers`),
    async stop() {
      process.off('exit', kill);
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGTERM');
      const late = setTimeout(kill, STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(late);
    },
  };
}
