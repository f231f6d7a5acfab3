import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimCluster } from '../../../src/local-cluster/claim.ts';
import { identityOf } from '../../../src/local-cluster/processes/identity.ts';

let stateRoot: string;
beforeEach(async () => {
  stateRoot = await mkdtemp(join(tmpdir(), 'claim-'));
});
afterEach(() => rm(stateRoot, { recursive: true }));

const ref = () => ({ name: `c${process.pid}`, stateRoot });
const holderFile = () => join(stateRoot, ref().name, 'holder.json');

describe('a cluster of a name', () => {
  it('is there once', async () => {
    await claimCluster(ref());
    await expect(claimCluster(ref())).rejects.toThrow('is there already');
  });

  it('is nobody’s at no moment, and leaves nothing where it is refused', async () => {
    const folder = join(stateRoot, ref().name);
    const claiming = { isOver: false };
    const claimed = claimCluster(ref()).finally(() => {
      claiming.isOver = true;
    });
    while (!claiming.isOver) {
      // In this order: it may come between the two looks.
      const isHeld = existsSync(holderFile());
      if (!isHeld) expect(existsSync(folder) && !existsSync(holderFile())).toBe(false);
      await turn();
    }
    await claimed;
    await expect(claimCluster(ref())).rejects.toThrow('is there already');
    expect(await readdir(stateRoot)).toEqual([ref().name]);
    expect((await stat(folder)).mode & 0o777).toBe(0o711);
  });

  it('is replaced by the process that brought it up', async () => {
    await claimCluster(ref());
    await expect(claimCluster({ ...ref(), replace: true })).resolves.toBeUndefined();
  });

  it('is not replaced while the process that brought it up still runs, but afterwards', async () => {
    await claimCluster(ref());
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    try {
      await writeFile(holderFile(), JSON.stringify(await identityOf(other.pid ?? 0)));
      await expect(claimCluster({ ...ref(), replace: true })).rejects.toThrow(`in use by process ${other.pid}`);
    } finally {
      other.kill();
      await once(other, 'exit');
    }
    await expect(claimCluster({ ...ref(), replace: true })).resolves.toBeUndefined();
  });
});
