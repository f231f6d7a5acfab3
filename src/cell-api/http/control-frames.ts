import type { ServerHttp2Session } from 'node:http2';
import { createBucket } from '../../core/bucket.ts';

/** PING and SETTINGS frames of one connection; a client of Go's pings an idle connection, and after a reset stream. */
const FRAMES_PER_SECOND = 10;
const FRAME_BURST = 1_000;

/** Tells once, when a connection has sent more PING and SETTINGS frames than it may: each costs an acknowledgement. */
export function limitControlFrames(session: ServerHttp2Session, now: () => number, onFlood: () => void): void {
  const frames = createBucket(FRAMES_PER_SECOND, FRAME_BURST);
  const count = (): void => {
    if (frames.take(now())) return;
    session.off('ping', count).off('remoteSettings', count);
    onFlood();
  };
  session.on('ping', count).on('remoteSettings', count);
}
