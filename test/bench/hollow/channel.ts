import { createServer, type IncomingMessage } from 'node:http';
import { Pool } from 'undici';

/** What a process of a benchmark answers to, by name; argument and result are JSON. */
export type Calls = Readonly<Record<string, (argument: never, signal: AbortSignal) => unknown>>;

/** The other end of a process's calls. */
export interface Channel {
  call<T>(name: string, argument?: unknown, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers calls on a Unix socket for as long as the process lives. */
export async function serveCalls(socketPath: string, calls: Calls): Promise<void> {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const ended = new AbortController();
    response.once('close', () => ended.abort());
    const answer = async () => {
      const name = (request.url ?? '/').slice(1);
      const run = calls[name] as ((argument: unknown, signal: AbortSignal) => unknown) | undefined;
      if (run === undefined) throw new Error(`there is no call ${name}`);
      const argument: unknown = JSON.parse(await textOf(request));
      return JSON.stringify({ result: await run(argument, ended.signal) });
    };
    answer().then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));
}

/** Calls that wait at the other end, such as a CPU profile, may take long; each caller brings its own deadline. */
export function openChannel(socketPath: string): Channel {
  const client = new Pool('http://localhost', { socketPath, headersTimeout: 0, bodyTimeout: 0 });
  return {
    async call<T>(name: string, argument: unknown = null, signal?: AbortSignal): Promise<T> {
      const { statusCode, body } = await client.request({
        method: 'POST',
        path: `/${name}`,
        body: JSON.stringify(argument),
        signal: signal ?? null,
      });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`${name}: ${text}`);
      return (JSON.parse(text) as { result: T }).result;
    },
    close: () => client.destroy(),
  };
}
