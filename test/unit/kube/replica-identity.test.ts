import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { replicaIdentity } from '../../../src/kube/replica-identity.ts';

const MODULE = new URL('../../../src/kube/replica-identity.ts', import.meta.url).href;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process's identity, and the process. */
async function neighbour() {
  const script = `const { replicaIdentity } = await import('${MODULE}'); console.log((await replicaIdentity()).identity); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, identity: line.toString().trim() };
}

/** A process that has as many files open as it may, and tells for each line that it reads whether a holder has ended. */
async function outOfFiles(holder: string) {
  const script = `
    const { replicaIdentity } = await import('${MODULE}');
    const { openSync, readFileSync } = await import('node:fs');
    const { hasEnded } = await replicaIdentity();
    await hasEnded('${holder}');
    const full = () => { try { for (;;) openSync('/dev/null'); } catch (error) { return error.code; } };
    process.stdin.on('data', async () => console.log(full() === 'EMFILE' && await hasEnded('${holder}')));
    console.log('ready');`;
  const limited = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"';
  const child = spawn('sh', ['-c', limited, process.execPath, script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const next = async () => ((await once(child.stdout, 'data')) as [Buffer])[0].toString().trim();
  expect(await next()).toBe('ready');
  return {
    ask() {
      child.stdin.write('?');
      return next();
    },
  };
}

describe('the identity of a replica', () => {
  test('two processes of one machine differ, and the end of one is seen by the other', async () => {
    const own = await replicaIdentity();
    const { child, identity } = await neighbour();
    expect(identity).not.toBe(own.identity);
    expect(await own.hasEnded(identity)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await own.hasEnded(identity)).toBe(true);
  });

  test('another process that begins later under the same id is not taken for the holder', async () => {
    const own = await replicaIdentity();
    const { identity } = await neighbour();
    expect(await own.hasEnded(identity.replace(/_\d+$/, '_1'))).toBe(true);
  });

  test('a process that can open no file does not take a living one for ended, and still sees its end', async () => {
    const { child, identity } = await neighbour();
    const observer = await outOfFiles(identity);
    expect(await observer.ask()).toBe('false');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await observer.ask()).toBe('true');
  });

  test.each(['', 'another-host', 'vm_00000000-0000-0000-0000-000000000000.4026531836_1_1'])(
    'nothing is concluded about a holder elsewhere ("%s")',
    async (holder) => {
      expect(await (await replicaIdentity()).hasEnded(holder)).toBe(false);
    },
  );
});
