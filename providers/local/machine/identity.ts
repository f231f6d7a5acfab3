import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KubeletRequest, kubeletRequest } from '../../simulated/certificate-request.ts';
import { systemCode } from './files.ts';

/** What a machine gets its first certificate with. */
export interface MachineBootstrap {
  /** https URL of the API server. */
  readonly server: string;
  /** PEM of the authority of the server's certificate. */
  readonly caPem: string;
  readonly token: string;
}

/** Where a kubelet keeps its current client certificate and key, in the machine's folder. */
export const CLIENT_PAIR = 'pki/kubelet-client-current.pem';

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
/** Longer than the cell API lets an identity be checked. */
const ANSWER_TIMEOUT_SECONDS = 15;

/** The request's name follows from the key, so that a repetition finds what the first one has made. */
function signingRequest({ requestPem, keyFingerprint }: KubeletRequest) {
  return {
    kind: 'CertificateSigningRequest',
    apiVersion: 'certificates.k8s.io/v1',
    metadata: { name: `node-csr-${keyFingerprint}` },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  };
}

/** curl's options; in a file, since a command line can be read by others and the token must not. */
function curlConfig(folder: string, token: string): string {
  const header = (value: string) => `header = ${JSON.stringify(value)}`;
  return `silent
show-error
http1.1
cacert = ${JSON.stringify(join(folder, 'ca.crt'))}
connect-timeout = 5
max-time = ${ANSWER_TIMEOUT_SECONDS}
${header('Accept: application/json')}
${header('Content-Type: application/json')}
${header(`Authorization: Bearer ${token}`)}
write-out = "%{http_code}"
`;
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
  const request = signingRequest(made);
  const draft = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  await mkdir(draft, { mode: 0o700 });
  const write = (name: string, text: string) => writeFile(join(draft, name), text, { mode: 0o600 });
  await Promise.all([
    write('key.pem', made.keyPem),
    write('ca.crt', caPem),
    write('request.json', JSON.stringify(request)),
    write('curl.conf', curlConfig(folder, token)),
    write('urls', `${server}${REQUESTS} ${server}${REQUESTS}/${request.metadata.name}\n`),
  ]);
  await rename(draft, folder).catch(async (error) => {
    if (systemCode(error) !== 'ENOTEMPTY' && systemCode(error) !== 'EEXIST') throw error;
    await rm(draft, { recursive: true, force: true });
  });
}

/** The kubeconfig that a kubelet writes when it bootstraps by itself: it names the certificate that it will rotate. */
export function rotatedKubeconfig(directory: string, { server, caPem }: MachineBootstrap): string {
  const pair = join(directory, CLIENT_PAIR);
  const cluster = { server, 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
  return JSON.stringify({
    kind: 'Config',
    apiVersion: 'v1',
    clusters: [{ name: 'default-cluster', cluster }],
    users: [{ name: 'default-auth', user: { 'client-certificate': pair, 'client-key': pair } }],
    contexts: [{ name: 'default-context', context: { cluster: 'default-cluster', user: 'default-auth' } }],
    'current-context': 'default-context',
  });
}
