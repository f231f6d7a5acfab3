import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, type KeyPair } from '../pki/authority.ts';

/**
 * The serving pair that agnhost keeps at /localhost.crt and /localhost.key. Made once per cache,
 * so that the images' bytes do not change from run to run.
 */
export async function porterPair(cacheFolder: string): Promise<KeyPair> {
  const path = join(cacheFolder, 'agnhost-localhost.json');
  const known = await readFile(path, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as KeyPair;
  const authority = await createAuthority('agnhost');
  const pair = await authority.issue({
    commonName: 'localhost',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1', '::1'],
    usage: 'server',
  });
  await mkdir(cacheFolder, { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, JSON.stringify(pair), { mode: 0o600 });
  await rename(temporary, path);
  return pair;
}
