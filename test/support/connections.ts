import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connections from an address that is not the server's own, as a cell's are: each is open by then, or was refused. */
export async function connectFrom(localAddress: string, port: number, count: number): Promise<readonly Socket[]> {
  const opened = Array.from({ length: count }, () => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    return socket.on('error', () => undefined).resume();
  });
  await Promise.all(
    opened.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)),
  );
  return opened;
}

/** False for one that either side has ended. */
export const isOpen = (socket: Socket) => !socket.destroyed && socket.readable;
