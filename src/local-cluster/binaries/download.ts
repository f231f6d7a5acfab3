import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch } from 'undici';
import { messageOf } from '../../core/errors.ts';
import { localFailure } from '../failure.ts';

/** A machine without the internet must fall through to compiling at once. */
const CONNECT_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;

async function open(url: string, agent: Agent, signal: AbortSignal) {
  const response = await fetch(url, { dispatcher: agent, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    // fetch itself only says "fetch failed".
    throw localFailure(
      `${new URL(url).host}: ${messageOf(error instanceof Error ? (error.cause ?? error) : error)}`,
      error,
    );
  });
  if (!response.ok) throw localFailure(`${url} answered ${response.status}`);
  return response;
}

/**
 * Downloads `url` to `target`, executable, if its SHA-256 is the one published at `<url>.sha256`;
 * `target` appears whole or not at all.
 * @throws whatever kept it from that; the caller has another way.
 */
export async function downloadProgram(url: string, target: string, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)]);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    const sumResponse = await open(`${url}.sha256`, agent, AbortSignal.any([bounded, AbortSignal.timeout(15_000)]));
    const published = (await sumResponse.text()).trim().split(/\s/)[0];
    await mkdir(dirname(target), { recursive: true });
    const { body } = await open(url, agent, bounded);
    if (body === null) throw localFailure(`${url} answered nothing`);
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(body), hashing, createWriteStream(temporary), { signal: bounded });
    const received = hash.digest('hex');
    if (received !== published) throw localFailure(`${url} has SHA-256 ${received}, but ${published} is published`);
    await chmod(temporary, 0o755);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
    await agent.destroy();
  }
}
