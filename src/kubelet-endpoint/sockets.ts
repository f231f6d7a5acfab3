import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** How long a side may take to take its last bytes after the other has closed. */
const FLUSH_TIMEOUT_MS = 10_000;

/** Answers a connection that no HTTP server looks after any more, and closes it. */
export function closeWith(socket: Socket, status: number, text: string): void {
  if (socket.destroyed) return;
  const body = Buffer.from(text);
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      'Content-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
  );
  socket.write(body);
  const timer = setTimeout(() => socket.destroy(), FLUSH_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.destroySoon();
}

/** How long a stream of which one direction has ended may be silent in the other. */
const HALF_OPEN_IDLE_MS = 60_000;

/**
 * Pipes two connections into each other until both have ended. One side's half-close becomes the other's; an error
 * or a close in the middle destroys both.
 */
export function splice(a: Socket, b: Socket): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.setTimeout(0);
    one.setNoDelay(true);
    one.setKeepAlive(true, 30_000);
    one.on('error', () => other.destroy());
    one.once('close', () => follow(one, other));
    one.once('end', () => other.setTimeout(HALF_OPEN_IDLE_MS, () => other.destroy()));
    one.pipe(other);
  }
}

/** After one side has closed: a regular end leaves the other side time to flush. */
function follow(closed: Socket, other: Socket): void {
  if (other.destroyed) return;
  if (!closed.readableEnded || !closed.writableFinished) {
    other.destroy();
    return;
  }
  const timer = setTimeout(() => other.destroy(), FLUSH_TIMEOUT_MS);
  other.once('close', () => clearTimeout(timer));
}
