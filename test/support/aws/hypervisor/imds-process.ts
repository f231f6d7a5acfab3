import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveImds } from '../imds.ts';

const [folder = ''] = process.argv.slice(2);

async function factsOf(remoteAddress: string) {
  const file = join(folder, `${remoteAddress.replace(/^::ffff:/, '')}.json`);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Metadata of all machines, in the namespace that routes for them; each machine's is a file by its address. */
await serveImds(factsOf, { host: '169.254.169.254', port: 80 });
