/** Where a kubelet keeps its current client certificate and key, in the machine's folder. */
export const CLIENT_PAIR = 'pki/kubelet-client-current.pem';

/** Where the cell API is asked for certificates. */
export const SIGNING_PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** Longer than the cell API lets an identity be checked. */
const ANSWER_TIMEOUT_SECONDS = 15;

/**
 * The object that asks for a kubelet's first certificate. Its name follows from the key, so that a repetition finds what
 * the first one has made.
 */
export function signingRequest(keyFingerprint: string, requestBase64: string) {
  return {
    kind: 'CertificateSigningRequest',
    apiVersion: 'certificates.k8s.io/v1',
    metadata: { name: `node-csr-${keyFingerprint}` },
    spec: {
      request: requestBase64,
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  };
}

/** How curl asks the cell API, as a file of its options; who asks is not in it. */
export function curlOptions(caFile: string): string {
  return `silent
show-error
http1.1
cacert = ${JSON.stringify(caFile)}
connect-timeout = 5
max-time = ${ANSWER_TIMEOUT_SECONDS}
header = "Accept: application/json"
header = "Content-Type: application/json"
write-out = "%{http_code}"
`;
}
