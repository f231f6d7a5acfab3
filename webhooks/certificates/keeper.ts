import type { Logger } from 'pino';
import { createBackoff } from '../../src/core/backoff.ts';
import type { Clock } from '../../src/core/clock.ts';
import { messageOf } from '../../src/core/errors.ts';
import { call, isStatus } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { type CollectionReader, startCollection } from '../../src/kube/collection.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { CONFIGURATION_PATHS, distrusting, isTrustedBy, patchBundle, type WebhookConfiguration } from './ca-bundle.ts';
import { calledElsewhere, calledHosts } from './called-hosts.ts';
import { bundleOf, type CertificateSet, dataOf, type Pair, readSet, type SecretData } from './certificate-set.ts';
import { nextStep } from './next-step.ts';
import { perform } from './perform.ts';

export interface KeeperOptions {
  readonly client: KubeClient;
  /** Of the Secret. */
  readonly namespace: string;
  /** Name of the Secret that all replicas of a virtual node share. */
  readonly secretName: string;
  /** Name of both webhook configurations. */
  readonly configuration: string;
  /** Addresses and names at which API servers call this replica. */
  readonly hosts: readonly string[];
  /** How long a new authority is announced before it signs. */
  readonly settleMs: number;
  /** Told of the pair to serve with, at first and whenever it changes. */
  readonly onServing: (pair: Pair) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long to wait for the configurations, which tell by what name the replicas are called; there may be none to be read. */
const CONFIGURATIONS_MS = 5_000;
/** Timers of more than 24.8 days fire at once, and a machine may have slept. */
const LOOK_EVERY_MS = 600_000;

interface Secret extends KubeObject {
  data?: Record<string, string>;
}

function decoded(data: Record<string, string> = {}): SecretData {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

function encoded(data: SecretData): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
}

/** Keeps the webhooks' certificates, and what API servers trust of them, until it is stopped. */
export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #secrets: CollectionReader<Secret>;
  readonly #configurations: readonly (readonly [path: string, CollectionReader<WebhookConfiguration>])[];
  #served = '';
  #elsewhere = '';
  #changed = Promise.withResolvers<void>();

  constructor(options: KeeperOptions, signal: AbortSignal) {
    this.#options = options;
    const { namespace, secretName, configuration } = options;
    const one = <T extends KubeObject>(path: string, name: string) => {
      const collection = startCollection<T>(
        { ...options, path, query: { fieldSelector: `metadata.name=${name}` } },
        signal,
      );
      collection.subscribe(() => this.#changed.resolve());
      return collection;
    };
    this.#secrets = one<Secret>(`/api/v1/namespaces/${namespace}/secrets`, secretName);
    this.#configurations = Object.values(CONFIGURATION_PATHS).map(
      (path) => [path, one<WebhookConfiguration>(path, configuration)] as const,
    );
  }

  /** Tends the certificates at each change and from time to time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, settleMs } = this.#options;
    const backoff = createBackoff(200, 30_000);
    let failing = false;
    await Promise.race([this.#secrets.whenSynced, aborted(signal)]);
    const known = Promise.all(this.#configurations.map(([, { whenSynced }]) => whenSynced));
    await Promise.race([known, clock.sleep(CONFIGURATIONS_MS, signal).catch(() => undefined)]);
    while (!signal.aborted) {
      this.#changed = Promise.withResolvers();
      let pauseMs = Math.min(LOOK_EVERY_MS, Math.max(1_000, settleMs / 2));
      try {
        await this.#tend(signal);
        backoff.reset();
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        // Another replica was quicker; what it wrote comes by the watch.
        if (!isStatus(error, 409)) {
          if (!failing) logger.warn({ reason: messageOf(error) }, 'the webhooks’ certificates can not be tended');
          failing = true;
        }
        pauseMs = backoff.next();
      }
      const waiting = new AbortController();
      const pause = clock.sleep(pauseMs, AbortSignal.any([signal, waiting.signal])).catch(() => undefined);
      await Promise.race([pause, this.#changed.promise]);
      waiting.abort();
    }
  }

  async #tend(signal: AbortSignal): Promise<void> {
    const { namespace, secretName, clock, settleMs } = this.#options;
    const hosts = calledHosts(this.#known(), this.#options.hosts);
    this.#warnElsewhere();
    const secret = this.#secrets.get(namespace, secretName);
    const set = secret && readSet(decoded(secret.data));
    const nowMs = clock.now();
    const step = nextStep(set, { hosts, nowMs, settleMs, isTrusted: set !== undefined && this.#isTrusted(set) });
    const next = await perform(step, set, hosts, nowMs);
    if (next !== undefined) {
      await this.#write(secret, next, signal);
      this.#options.logger.info({ step: step.do }, 'the webhooks’ certificates have changed');
    }
    // What was just written comes back by the watch, and is served then.
    if (set === undefined) return;
    if (set.serving !== undefined) this.#serve(set.serving);
    await this.#beTrusted(bundleOf(set), signal);
  }

  #known(): readonly WebhookConfiguration[] {
    const { configuration: name } = this.#options;
    return this.#configurations.flatMap(([, collection]) => collection.get(undefined, name) ?? []);
  }

  /** Once for each place: whoever repeats the installation with other flags has pods no longer routed, which nobody else says. */
  #warnElsewhere(): void {
    const { logger, hosts } = this.#options;
    const called = calledElsewhere(this.#known(), hosts);
    if (called.length > 0 && called.join() !== this.#elsewhere)
      logger.warn(
        { called, hosts },
        'API servers call the webhooks elsewhere; add it to webhook.hosts, or install anew',
      );
    this.#elsewhere = called.join();
  }

  /** Both configurations are known, and name the authority that is to sign. */
  #isTrusted({ current: { certPem } }: CertificateSet): boolean {
    const known = this.#known();
    return known.length === this.#configurations.length && known.every((one) => isTrustedBy(one, certPem));
  }

  #serve(pair: Pair): void {
    if (pair.certPem === this.#served) return;
    this.#options.onServing(pair);
    this.#served = pair.certPem;
  }

  async #write(secret: Secret | undefined, set: CertificateSet, signal: AbortSignal): Promise<void> {
    const { client, namespace, secretName } = this.#options;
    const collection = `/api/v1/namespaces/${namespace}/secrets`;
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: secretName,
        namespace,
        labels: { 'app.kubernetes.io/managed-by': 'nodeless' },
        ...(secret === undefined ? {} : { resourceVersion: secret.metadata.resourceVersion }),
      },
      type: 'Opaque',
      data: encoded(dataOf(set)),
    };
    const where = secret === undefined ? collection : `${collection}/${secretName}`;
    await call(client, { method: secret === undefined ? 'POST' : 'PUT', path: where, body, signal });
  }

  async #beTrusted(bundlePem: string, signal: AbortSignal): Promise<void> {
    const { client, configuration: name, logger } = this.#options;
    for (const [path, collection] of this.#configurations) {
      const configuration = collection.get(undefined, name);
      if (configuration === undefined || distrusting(configuration, bundlePem).length === 0) continue;
      await patchBundle(client, path, configuration, bundlePem, signal);
      logger.info({ configuration: `${path}/${name}` }, 'API servers trust the webhooks’ authority');
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
