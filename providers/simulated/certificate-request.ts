import { createHash, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

const newKeyPair = promisify(generateKeyPair);

/** A kubelet's key and the request for its certificate. */
export interface KubeletRequest {
  readonly keyPem: string;
  /** PKCS #10, PEM. */
  readonly requestPem: string;
  /** SHA-256 of the public key (SPKI, DER), hex. */
  readonly keyFingerprint: string;
}

// The few DER forms (ITU-T X.690) that a PKCS #10 request (RFC 2986) with two names takes; a general library costs
// a thousand cells more than their simulation.
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION_0 = der(0x02, Buffer.from([0]));
const ORGANIZATION = der(0x06, Buffer.from([0x55, 0x04, 0x0a]));
const COMMON_NAME = der(0x06, Buffer.from([0x55, 0x04, 0x03]));
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
const NO_ATTRIBUTES = der(0xa0);

function relativeName(type: Uint8Array, value: string): Buffer {
  return der(SET, der(SEQUENCE, type, der(0x0c, Buffer.from(value))));
}

/** A request for the public key of `privateKey`, with the subject that a kubelet has. */
function requestPem(nodeName: string, publicKey: KeyObject, privateKey: KeyObject): string {
  const subject = der(
    SEQUENCE,
    relativeName(ORGANIZATION, 'system:nodes'),
    relativeName(COMMON_NAME, `system:node:${nodeName}`),
  );
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const info = der(SEQUENCE, VERSION_0, subject, spki, NO_ATTRIBUTES);
  const signature = sign('sha256', info, { key: privateKey, dsaEncoding: 'der' });
  const request = der(SEQUENCE, info, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const lines = request.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** A new ECDSA P-256 key, and a request for a certificate of the node. */
export async function kubeletRequest(nodeName: string): Promise<KubeletRequest> {
  const { publicKey, privateKey } = await newKeyPair('ec', { namedCurve: 'P-256' });
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    requestPem: requestPem(nodeName, publicKey, privateKey),
    keyFingerprint: createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
  };
}
