import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { replicaIdentity } from '../../../src/kube/replica-identity.ts';

const MODULE = new URL('../../../src/kube/replica-identity.ts', import.meta.url).href;

/** Another process's identity, and the process. */
async function neighbour() {
  const script = `const { replicaIdentity } = await import('${MODULE}'); console.log((await replicaIdentity()).identity); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, identity: line.toString().trim() };
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

  test.each(['', 'another-host', 'vm_00000000-0000-0000-0000-000000000000.4026531836_1_1'])(
    'nothing is concluded about a holder elsewhere ("%s")',
    async (holder) => {
      expect(await (await replicaIdentity()).hasEnded(holder)).toBe(false);
    },
  );
});
