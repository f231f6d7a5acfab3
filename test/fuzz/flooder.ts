import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { CONNECTION_FLOODS } from './floods/connection-floods.ts';
import type { FloodResult } from './floods/flood.ts';
import { HTTP2_FLOODS } from './floods/http2-floods.ts';
import { REQUEST_FLOODS } from './floods/request-floods.ts';
import type { WireTarget } from './wire/reply.ts';
import type { World } from './world.ts';

/** What the flooder's process reads on its standard input. */
export interface FloodOrder {
  readonly world: World;
  readonly deadlineMs: number;
}

export interface FloodFigures {
  readonly floods: Readonly<Record<string, FloodResult & { readonly seconds: number }>>;
  /** What was read and must not have been. */
  readonly leaks: readonly string[];
}

/** Lets the cell's rates recover, or the next flood would not come past them. */
const RECOVERY_MS = 2_000;
const LET_IN_TIMEOUT_MS = 60_000;
/** What keeps the attacker's address out for a while comes last. */
const FLOODS = { ...REQUEST_FLOODS, ...HTTP2_FLOODS, ...CONNECTION_FLOODS };

/** Whether a request of the cell is answered, and not for its being one too many. */
function isLetIn(target: WireTarget): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...target, path: '/version', agent: false, servername: '', timeout: 2_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked
      .once('timeout', () => asked.destroy())
      .once('error', () => resolve(false))
      .end();
  });
}

/**
 * Waits until the cell is let in again: what it has sent too much of is held against it for a while.
 * @throws when that takes too long, as the next flood would then be kept out by the last one
 */
async function letIn(target: WireTarget): Promise<void> {
  const untilMs = Date.now() + LET_IN_TIMEOUT_MS;
  await delay(RECOVERY_MS);
  while (!(await isLetIn(target))) {
    if (Date.now() > untilMs) throw new Error(`the flooder was not let in again within ${LET_IN_TIMEOUT_MS} ms`);
    await delay(500);
  }
}

async function floodAll({ world, deadlineMs }: FloodOrder): Promise<FloodFigures> {
  const { host, port, identity, forbidden } = world;
  const target = { host, port, ca: identity.caPem, cert: identity.pairPem, key: identity.pairPem };
  const floods: Record<string, FloodResult & { seconds: number }> = {};
  const leaks: string[] = [];
  for (const [name, flood] of Object.entries(FLOODS)) {
    if (Date.now() > deadlineMs) break;
    await letIn(target);
    const inspect = (bytes: Buffer) => {
      for (const word of [...forbidden.secrets, ...forbidden.names]) {
        if (bytes.includes(word)) leaks.push(`${name}: ${word.slice(0, 24)}`);
      }
    };
    const startedAtMs = performance.now();
    const result = await flood({ world, target, inspect });
    floods[name] = { ...result, seconds: Math.round((performance.now() - startedAtMs) / 10) / 100 };
    process.stderr.write(`flood "${name}": ${JSON.stringify(floods[name])}\n`);
  }
  return { floods, leaks };
}

process.stdout.write(JSON.stringify(await floodAll(JSON.parse(await text(process.stdin)) as FloodOrder)));
process.exit(0);
