import { randomBytes, randomUUID } from 'node:crypto';
import { type Clock, kubeTime } from '../../core/clock.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** A certificate signing request that was granted. */
export interface SignedRequest {
  readonly cellId: string;
  readonly keyFingerprint: string;
  readonly object: KubeObject;
}

interface Kept extends SignedRequest {
  readonly untilMs: number;
}

/** A kubelet waits 15 minutes for a certificate before it asks anew. */
const TTL_MS = 30 * 60_000;
const MAX_PER_CELL = 16;

/** The signing requests of living cells, in memory. */
export class SignedRequests {
  readonly #byName = new Map<string, Kept>();
  readonly #clock: Clock;
  #revision = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get resourceVersion(): string {
    return String(this.#revision);
  }

  find(name: string): SignedRequest | undefined {
    return this.#byName.get(name);
  }

  /** Keeps a granted request as the object that the kubelet waits for. */
  keep(request: {
    readonly cellId: string;
    readonly keyFingerprint: string;
    readonly spec: Record<string, unknown>;
    readonly certificatePem: string;
    readonly name: string | undefined;
  }): SignedRequest {
    const { cellId, keyFingerprint, spec, certificatePem, name = `csr-${randomBytes(6).toString('hex')}` } = request;
    const now = kubeTime(this.#clock.now());
    const object: KubeObject = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name, uid: randomUUID(), resourceVersion: String(++this.#revision), creationTimestamp: now },
      spec,
      status: {
        certificate: Buffer.from(certificatePem).toString('base64'),
        conditions: [
          {
            type: 'Approved',
            status: 'True',
            reason: 'NodelessApproved',
            message: 'the cell has proved its identity',
            lastUpdateTime: now,
            lastTransitionTime: now,
          },
        ],
      },
    };
    const kept = { cellId, keyFingerprint, object, untilMs: this.#clock.now() + TTL_MS };
    this.#byName.set(name, kept);
    this.#limit(cellId);
    return kept;
  }

  /**
   * A request that is not known, as a failed one: a provider that was killed signed it, and its cell has not read the
   * certificate. A kubelet would wait a quarter of an hour for a request that is not there; of a failed one it makes another.
   */
  forgotten(name: string): KubeObject {
    const message = 'the provider that signed this has ended; ask again';
    return {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name, uid: randomUUID(), resourceVersion: this.resourceVersion },
      spec: {},
      status: { conditions: [{ type: 'Failed', status: 'True', reason: 'Forgotten', message }] },
    };
  }

  /** Called about once a second. */
  tick(): void {
    const now = this.#clock.now();
    // Insertion order is expiry order, so this stops at the first one that lives.
    for (const [name, { untilMs }] of this.#byName) {
      if (untilMs > now) return;
      this.#byName.delete(name);
    }
  }

  #limit(cellId: string): void {
    const names = [...this.#byName].filter(([, kept]) => kept.cellId === cellId).map(([name]) => name);
    for (const name of names.slice(0, Math.max(0, names.length - MAX_PER_CELL))) this.#byName.delete(name);
  }
}
