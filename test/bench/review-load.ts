import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';

/** A connection as an API server keeps it: one, HTTP/2, all reviews at once on it. */
export interface ReviewClient {
  /** Milliseconds until the whole answer. @throws Error for any answer that is no patch. */
  ask(): Promise<number>;
  close(): void;
}

/** Connects to the webhooks on this port, and asks the same review each time. */
export function reviewClient(port: number, caPem: string, review: string): ReviewClient {
  const session: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, { ca: caPem });
  session.on('error', () => undefined);
  const headers = {
    ':method': 'POST',
    ':path': '/mutate?timeout=2s',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(review)),
  };
  return {
    ask: () =>
      new Promise((resolve, reject) => {
        const startedMs = performance.now();
        const stream = session.request(headers);
        let text = '';
        stream.setEncoding('utf8');
        stream.on('data', (chunk: string) => {
          text += chunk;
        });
        stream.once('error', reject);
        stream.once('end', () => {
          if (text.includes('"patchType":"JSONPatch"')) resolve(performance.now() - startedMs);
          else reject(new Error(`no patch: ${text.slice(0, 200)}`));
        });
        stream.end(review);
      }),
    close: () => session.destroy(),
  };
}

/** Keeps so many reviews under way for so long; resolves with the microseconds that one took of the time. */
export async function flatOut(client: ReviewClient, underWay: number, ms: number): Promise<number> {
  const startedMs = performance.now();
  let answered = 0;
  const worker = async () => {
    while (performance.now() - startedMs < ms) {
      await client.ask();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: underWay }, worker));
  return ((performance.now() - startedMs) * 1_000) / answered;
}

/** Asks at a rate, whether answers have come or not; resolves with how long each took, in milliseconds. */
export async function atRate(client: ReviewClient, perSecond: number, ms: number): Promise<readonly number[]> {
  const startedMs = performance.now();
  const answers: Promise<number>[] = [];
  for (;;) {
    const passedMs = performance.now() - startedMs;
    if (passedMs >= ms) break;
    const due = Math.floor((passedMs / 1_000) * perSecond);
    while (answers.length < due) answers.push(client.ask());
    await delay(1);
  }
  return Promise.all(answers);
}
