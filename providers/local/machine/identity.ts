import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { curlOptions, SIGNING_PATH, signingRequest } from '../../kubelet/signing-request.ts';
import { kubeletRequest } from '../../simulated/certificate-request.ts';
import { systemCode } from './files.ts';

/** What a machine gets its first certificate with. */
export interface MachineBootstrap {
  /** https URL of the API server. */
  readonly server: string;
  /** PEM of the authority of the server's certificate. */
  readonly caPem: string;
  readonly token: string;
}

/** curl's options; in a file, since a command line can be read by others and the token must not. */
function curlConfig(folder: string, token: string): string {
  return `${curlOptions(join(folder, 'ca.crt'))}header = ${JSON.stringify(`Authorization: Bearer ${token}`)}\n`;
}

/**
 * Makes the machine's key, the request for its certificate and what `bootstrap.sh` posts it with, in its folder
 * `bootstrap`, unless they are there. A token is bound to the first key that uses it, so that there must never be a
 * second one, whoever dies when: all of it appears at once.
 */
export async function prepareBootstrap(
  directory: string,
  nodeName: string,
  { server, caPem, token }: MachineBootstrap,
): Promise<void> {
  const folder = join(directory, 'bootstrap');
  if (existsSync(folder)) return;
  const made = await kubeletRequest(nodeName);
  const request = signingRequest(made.keyFingerprint, Buffer.from(made.requestPem).toString('base64'));
  const draft = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  await mkdir(draft, { mode: 0o700 });
  const write = (name: string, text: string) => writeFile(join(draft, name), text, { mode: 0o600 });
  await Promise.all([
    write('key.pem', made.keyPem),
    write('ca.crt', caPem),
    write('request.json', JSON.stringify(request)),
    write('curl.conf', curlConfig(folder, token)),
    write('urls', `${server}${SIGNING_PATH} ${server}${SIGNING_PATH}/${request.metadata.name}\n`),
  ]);
  await rename(draft, folder).catch(async (error) => {
    if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error;
    await rm(draft, { recursive: true, force: true });
  });
}
