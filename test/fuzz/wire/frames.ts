import type { TLSSocket } from 'node:tls';
import { openTls } from './http1.ts';
import type { WireTarget } from './reply.ts';

/** Frame types of RFC 9113. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function settings(values: Readonly<Record<number, number>>): Buffer {
  const payload = Buffer.concat(
    Object.entries(values).map(([id, value]) => {
      const entry = Buffer.alloc(6);
      entry.writeUInt16BE(Number(id), 0);
      entry.writeUInt32BE(value, 2);
      return entry;
    }),
  );
  return frame(FRAME.settings, 0, 0, payload);
}

export const INITIAL_WINDOW_SIZE = 4;

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** HPACK: literals without indexing and without Huffman coding. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const size: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) size.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...size, rest]), bytes]);
}

export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

/** The headers of a request as a block. */
export function requestBlock(method: string, path: string, more: readonly (readonly [string, string])[] = []): Buffer {
  return headerBlock([[':method', method], [':scheme', 'https'], [':authority', 'x'], [':path', path], ...more]);
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DRAIN_TIMEOUT_MS = 3_000;
const KEPT_BYTES = 4 * 1024 * 1024;

/** An HTTP/2 connection of bare frames, without a client that would keep the rules. */
export class RawHttp2 {
  readonly socket: TLSSocket;
  /** Frames that came, by type. */
  readonly seen: Record<number, number> = {};
  /** The last of what was read. */
  kept: Buffer = Buffer.alloc(0);
  #reads = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  /** Without `reads`, what the server sends stays in the kernel's buffers. */
  static async open(target: WireTarget, options: { first?: Buffer; reads?: boolean } = {}): Promise<RawHttp2> {
    const socket = await openTls(target, 'h2');
    const raw = new RawHttp2(socket);
    if (options.reads ?? true) raw.read();
    await raw.write(Buffer.concat([Buffer.from(PREFACE), options.first ?? settings({})]));
    return raw;
  }

  /** From now on, where it has not done so from the start. */
  read(): void {
    if (!this.#reads) this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#reads = true;
  }

  get open(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** False when the connection has ended, or takes nothing any more. */
  async write(bytes: Buffer): Promise<boolean> {
    if (!this.open) return false;
    if (this.socket.write(bytes)) return true;
    return new Promise((resolve) => {
      const settle = (taken: boolean) => {
        clearTimeout(late);
        this.socket.off('drain', drained).off('close', closed);
        resolve(taken);
      };
      const drained = () => settle(true);
      const closed = () => settle(false);
      const late = setTimeout(closed, DRAIN_TIMEOUT_MS);
      this.socket.once('drain', drained).once('close', closed);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #rest: Buffer = Buffer.alloc(0);

  #take(chunk: Buffer): void {
    this.kept = Buffer.concat([this.kept, chunk]).subarray(-KEPT_BYTES);
    let bytes = Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) break;
      const type = bytes[3] ?? 0;
      this.seen[type] = (this.seen[type] ?? 0) + 1;
      bytes = bytes.subarray(9 + length);
    }
    this.#rest = bytes;
  }
}
