import type { Clock } from '../core/clock.ts';
import { kubeTime } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import { VIRTUAL_NODE_LABEL } from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';

export interface SigningOptions {
  /** Creates and reads the request: the kubelet-serving signer demands that this is the node itself. */
  readonly requestor: KubeClient;
  /** Approves it, where the provider does so itself; undefined where somebody else does. */
  readonly approver?: KubeClient;
  /** Told of a request that the approver may not approve, which is then waited for as where somebody else approves. */
  readonly onRefused: (request: string, reason: string) => void;
  readonly signerName: string;
  readonly nodeName: string;
  /** Wished for; a signer may give less or, as a rule, its own. */
  readonly expirationSeconds?: number;
  readonly clock: Clock;
}

interface Condition {
  readonly type: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

interface SigningRequest extends KubeObject {
  readonly status?: { readonly certificate?: string; readonly conditions?: readonly Condition[] };
}

const COLLECTION = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const POLL_MS = 1_000;
/** Self-approved requests are signed within seconds; a person may take longer. */
const SELF_WAIT_MS = 60_000;
const EXTERNAL_WAIT_MS = 900_000;

function failed(name: string, message: string): NodelessError {
  return new NodelessError({
    code: 'KubeRequestFailed',
    retryable: true,
    message: `the serving certificate was not issued: request ${name} ${message}`,
    identity: { request: name },
  });
}

async function create(options: SigningOptions, csrPem: string, signal: AbortSignal): Promise<SigningRequest> {
  return call<SigningRequest>(options.requestor, {
    method: 'POST',
    path: COLLECTION,
    body: {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { generateName: 'nodeless-serving-', labels: { [VIRTUAL_NODE_LABEL]: options.nodeName } },
      spec: {
        request: Buffer.from(csrPem).toString('base64'),
        signerName: options.signerName,
        usages: ['digital signature', 'server auth'],
        ...(options.expirationSeconds === undefined ? {} : { expirationSeconds: options.expirationSeconds }),
      },
    },
    signal,
  });
}

/** Whether it is approved; false where somebody else has to. */
async function approve(options: SigningOptions, request: SigningRequest, signal: AbortSignal): Promise<boolean> {
  const { approver, clock, onRefused } = options;
  if (approver === undefined) return false;
  const approved = {
    type: 'Approved',
    status: 'True',
    reason: 'NodelessServing',
    message: 'the provider asked for its own virtual node',
    lastUpdateTime: kubeTime(clock.now()),
  };
  const body = { ...request, status: { ...request.status, conditions: [approved] } };
  const { name } = request.metadata;
  try {
    await call(approver, { method: 'PUT', path: `${COLLECTION}/${name}/approval`, body, signal });
    return true;
  } catch (error) {
    if (!isStatus(error, 403)) throw error;
    onRefused(name, messageOf(error));
    return false;
  }
}

/** PEM of the issued certificate, undefined while there is none. @throws once it is denied or failed. */
function issued(request: SigningRequest): string | undefined {
  const refused = request.status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  if (refused !== undefined) {
    const why = refused.message ?? refused.reason ?? 'no reason given';
    throw failed(request.metadata.name, `was ${refused.type.toLowerCase()}: ${why}`);
  }
  const certificate = request.status?.certificate;
  return certificate === undefined ? undefined : Buffer.from(certificate, 'base64').toString();
}

/**
 * Has a certificate signed through the cluster's CSR API.
 * @throws NodelessError KubeRequestFailed when it was denied, failed, or took too long.
 */
export async function signThroughApi(options: SigningOptions, csrPem: string, signal: AbortSignal): Promise<string> {
  const { requestor, clock } = options;
  let request = await create(options, csrPem, signal);
  const { name } = request.metadata;
  const waitMs = (await approve(options, request, signal)) ? SELF_WAIT_MS : EXTERNAL_WAIT_MS;
  const deadlineMs = clock.now() + waitMs;
  for (;;) {
    const certificate = issued(request);
    if (certificate !== undefined) return certificate;
    if (clock.now() >= deadlineMs) {
      throw failed(name, `was neither signed nor refused within ${waitMs / 1_000} s; is its signer running?`);
    }
    await clock.sleep(POLL_MS, signal);
    request = await call<SigningRequest>(requestor, { method: 'GET', path: `${COLLECTION}/${name}`, signal });
  }
}
