import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';

const PROBE_TIMEOUT_MS = 1_000;

/** Health endpoints say nothing secret, and their certificates name other addresses. */
const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, keepAliveTimeout: 1_000 });

/** A check that is true when `url` answers 200. */
export function healthProbe(url: string): () => Promise<boolean> {
  return async () => {
    try {
      const response = await request(url, { dispatcher, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      await response.body.dump();
      return response.statusCode === 200;
    } catch {
      return false;
    }
  };
}

/** True when a `/proc/<pid>/net/tcp` text shows a socket that listens on the port (state 0A). */
export function showsListener(procNetTcp: string, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return procNetTcp.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return local.endsWith(suffix) && state === '0A';
  });
}

/** True when something listens on the port in the process's network namespace, loopback included. */
export async function listens(pid: number, port: number): Promise<boolean> {
  const texts = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return texts.some((text) => showsListener(text, port));
}
