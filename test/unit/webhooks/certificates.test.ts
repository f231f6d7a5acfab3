import { X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { BACKDATE_MS } from '../../../src/pki/certificates.ts';
import { bundleOf, type CertificateSet, dataOf, readSet } from '../../../webhooks/certificates/certificate-set.ts';
import { CertificateKeeper } from '../../../webhooks/certificates/keeper.ts';
import { nextStep } from '../../../webhooks/certificates/next-step.ts';
import { perform } from '../../../webhooks/certificates/perform.ts';
import { createWebhookMetrics } from '../../../webhooks/server/metrics.ts';
import { startWebhookServer, type WebhookServer } from '../../../webhooks/server/webhook-server.ts';
import { FakeKube } from '../cell-api/fake-kube.ts';

const HOST = '127.0.0.1';
const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;
const SETTLE_MS = 15 * 60_000;
const START_MS = Date.parse('2026-01-01T00:00:00Z');

async function begun(nowMs = START_MS, hosts: readonly string[] = [HOST]): Promise<CertificateSet> {
  return must(await perform({ do: 'begin' }, undefined, hosts, nowMs));
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}

function at(nowMs: number, hosts: readonly string[] = [HOST], isTrusted = true) {
  return { hosts, nowMs, settleMs: SETTLE_MS, isTrusted };
}

/** Whether the certificate of one state is signed by an authority of another. */
function isTrusted({ serving }: CertificateSet, { current, previous }: CertificateSet): boolean {
  const leaf = new X509Certificate(must(serving).certPem);
  const signers = [current, ...(previous === undefined ? [] : [previous])];
  return signers.some(({ certPem }) => leaf.verify(new X509Certificate(certPem).publicKey));
}

describe('what is next about the certificates', () => {
  test('is everything, where there is nothing or nothing that can be used', async () => {
    expect(nextStep(undefined, at(START_MS))).toEqual({ do: 'begin' });
    expect(nextStep(await begun(), at(START_MS + 11 * YEAR_MS))).toEqual({ do: 'begin' });
    expect(readSet({})).toBeUndefined();
    expect(readSet({ 'ca.crt': 'x', 'ca.key': 'x', 'tls.crt': 'x', 'tls.key': 'x' })).toBeUndefined();
  });

  test('is nothing while all is well', async () => {
    const set = await begun();
    expect(nextStep(set, at(START_MS))).toEqual({ do: 'nothing' });
    expect(nextStep(readSet(dataOf(set)), at(START_MS + 59 * DAY_MS))).toEqual({ do: 'nothing' });
  });

  test('is a new serving certificate when two thirds of its life are over, or somebody has taken it out', async () => {
    const set = await begun();
    const renewal = { do: 'serve', signer: 'current', hosts: [HOST] };
    expect(nextStep(set, at(START_MS + 61 * DAY_MS))).toEqual(renewal);
    const { 'tls.crt': _gone, ...rest } = dataOf(set);
    expect(nextStep(readSet(rest), at(START_MS))).toEqual(renewal);
    expect(nextStep(readSet({ ...rest, 'tls.crt': 'garbage' }), at(START_MS))).toEqual(renewal);
    const foreign = { ...set, serving: must((await begun()).serving) };
    expect(nextStep(foreign, at(START_MS))).toEqual(renewal);
  });

  test('is a certificate for all replicas’ addresses, and each of them leaves the others’ in', async () => {
    const set = await begun();
    const step = nextStep(set, at(START_MS, ['10.0.0.2', 'nodeless.nodeless-system.svc']));
    expect(step).toEqual({ do: 'serve', signer: 'current', hosts: [HOST, '10.0.0.2', 'nodeless.nodeless-system.svc'] });
    const next = await perform(step, set, [HOST], START_MS);
    for (const hosts of [[HOST], ['10.0.0.2']]) expect(nextStep(next, at(START_MS, hosts))).toEqual({ do: 'nothing' });
  });

  test('walks an old authority out one step at a time, each trusted before it is relied on', async () => {
    let set = await begun();
    const old = set.current.certPem;
    const walk: string[] = [];
    let nowMs = START_MS + 6.9 * YEAR_MS;
    for (let steps = 0; steps < 400 && !walk.includes('forget'); steps += 1) {
      const step = nextStep(set, at(nowMs));
      const next = await perform(step, set, [HOST], nowMs);
      if (next !== undefined) {
        walk.push(step.do);
        // Who has not heard of this step yet trusts what is served by then.
        expect(isTrusted(next, set)).toBe(true);
        set = next;
      }
      nowMs += step.do === 'nothing' ? 5 * 60_000 : 1_000;
    }
    expect(walk).toEqual(['announce', 'serve', 'serve', 'forget']);
    expect(bundleOf(set)).not.toContain(old);
  });

  test('signs by the previous authority while the new one is not announced for long enough', async () => {
    const set = must(await perform({ do: 'announce' }, await begun(), [HOST], START_MS));
    const soon = START_MS + SETTLE_MS - 1;
    const { serving: _gone, ...without } = set;
    expect(nextStep(without, at(soon))).toMatchObject({ do: 'serve', signer: 'previous' });
    expect(nextStep(set, at(soon))).toEqual({ do: 'nothing' });
    const step = nextStep(set, at(soon + BACKDATE_MS));
    expect(step).toMatchObject({ do: 'serve', signer: 'current' });
    // Other replicas may serve by the previous one for a while.
    const servedMs = soon + BACKDATE_MS;
    const served = await perform(step, set, [HOST], servedMs);
    expect(nextStep(served, at(servedMs + SETTLE_MS - 1_000))).toEqual({ do: 'nothing' });
    expect(nextStep(served, at(servedMs + SETTLE_MS))).toEqual({ do: 'forget' });
  });
});

describe('an authority that callers are not known to trust', () => {
  test('signs nothing, however long it was announced, as long as the previous one is valid', async () => {
    const set = must(await perform({ do: 'announce' }, await begun(), [HOST], START_MS));
    const { serving: _gone, ...without } = set;
    const laterMs = START_MS + 30 * DAY_MS;
    expect(nextStep(without, at(laterMs, [HOST], false))).toMatchObject({ do: 'serve', signer: 'previous' });
    expect(nextStep(set, at(laterMs, [HOST], false))).toEqual({ do: 'nothing' });
    expect(nextStep(set, at(laterMs))).toMatchObject({ do: 'serve', signer: 'current' });
    const tenYearsMs = START_MS + 10.01 * YEAR_MS;
    const young = must(await perform({ do: 'announce' }, await begun(), [HOST], START_MS + 9 * YEAR_MS));
    expect(nextStep(young, at(tenYearsMs, [HOST], false))).toMatchObject({ do: 'serve', signer: 'current' });
  });

  test('does not have the previous one forgotten', async () => {
    const set = must(await perform({ do: 'announce' }, await begun(), [HOST], START_MS));
    const servedMs = START_MS + SETTLE_MS + BACKDATE_MS;
    const served = await perform({ do: 'serve', signer: 'current', hosts: [HOST] }, set, [HOST], servedMs);
    const laterMs = servedMs + SETTLE_MS + BACKDATE_MS;
    expect(nextStep(served, at(laterMs, [HOST], false))).toEqual({ do: 'nothing' });
    expect(nextStep(served, at(laterMs))).toEqual({ do: 'forget' });
  });
});

const SECRETS = '/api/v1/namespaces/nodeless-system/secrets';
const CONFIGURATIONS = ['mutating', 'validating'].map(
  (kind) => `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`,
);

interface Configuration extends KubeObject {
  webhooks: { name: string; clientConfig: { caBundle?: string; service?: object } }[];
}

/** The fake with what the keeper needs of a real API server: PUT, optimistic locking, patches of lists by name. */
function apiServer(): FakeKube {
  const kube = new FakeKube();
  kube.intercept = ({ method, path, body }) => {
    const [, collection = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const found = kube.get(collection, name);
    if (method !== 'PUT' && method !== 'PATCH') return undefined;
    const sent = body as Configuration;
    const reply = (status: number, object: unknown) => ({
      status,
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(object)),
    });
    if (found?.metadata.resourceVersion !== sent.metadata.resourceVersion) return reply(409, { reason: 'Conflict' });
    if (method === 'PUT') return reply(200, kube.put(collection, sent));
    const webhooks = (found as Configuration).webhooks.map((one) => ({
      ...one,
      clientConfig: { ...one.clientConfig, ...sent.webhooks.find(({ name }) => name === one.name)?.clientConfig },
    }));
    return reply(200, kube.put(collection, { ...found, webhooks } as Configuration));
  };
  for (const path of CONFIGURATIONS) {
    const webhooks = [{ name: 'a.b.c', clientConfig: {} }];
    kube.put(path, { metadata: { name: 'nodeless.nodeless.io' }, webhooks } as Configuration);
  }
  return kube;
}

function bundleIn(kube: FakeKube, path = CONFIGURATIONS[0] ?? ''): string {
  const { webhooks } = kube.get(path, 'nodeless.nodeless.io') as Configuration;
  return Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
}

function setIn(kube: FakeKube): CertificateSet {
  const { data = {} } = kube.get(SECRETS, 'nodeless-webhook-nodeless') as { data?: Record<string, string> };
  const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  return must(readSet(Object.fromEntries(decoded)));
}

function keepInSecret(kube: FakeKube, set: CertificateSet): void {
  const data = Object.entries(dataOf(set)).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  const metadata = { name: 'nodeless-webhook-nodeless', namespace: 'nodeless-system' };
  kube.put(SECRETS, { metadata, data: Object.fromEntries(data) } as KubeObject);
}

async function until(what: string, check: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_500; tries += 1) {
    if (check()) return;
    await delay(10);
  }
  throw new Error(`not within 15 s: ${what}`);
}

describe('the keeper', () => {
  let ending: AbortController;
  const logger = pino({ level: 'silent' });
  beforeEach(() => {
    ending = new AbortController();
  });
  afterEach(() => ending.abort());

  function keep(
    kube: FakeKube,
    onServing: (pair: { certPem: string; keyPem: string }) => void = () => undefined,
    hosts: readonly string[] = [HOST],
    log = logger,
  ) {
    const names = {
      namespace: 'nodeless-system',
      configuration: 'nodeless.nodeless.io',
      secretName: 'nodeless-webhook-nodeless',
      hosts,
    };
    const options = { ...names, client: kube.client(), settleMs: 2_000, onServing, clock: systemClock, logger: log };
    void new CertificateKeeper(options, ending.signal).run(ending.signal);
  }

  test('makes the Secret, and has API servers trust it; two that begin at once agree', async () => {
    const kube = apiServer();
    const served: string[][] = [[], []];
    for (const list of served) keep(kube, ({ certPem }) => list.push(certPem));
    await until('both serve the same', () =>
      served.every((list) => list.length > 0 && list.at(-1) === served[0]?.at(-1)),
    );
    const { data = {} } = kube.get(SECRETS, 'nodeless-webhook-nodeless') as { data?: Record<string, string> };
    const authority = Buffer.from(data['ca.crt'] ?? '', 'base64').toString();
    await until('it is trusted', () => CONFIGURATIONS.every((path) => bundleIn(kube, path) === authority));
  });

  test('where API servers call the Service, has no addresses signed, whatever replicas come', async () => {
    const kube = apiServer();
    const service = { name: 'nodeless-nodeless', namespace: 'nodeless-system' };
    for (const path of CONFIGURATIONS) {
      const webhooks = [{ name: 'a.b.c', clientConfig: { service } }];
      kube.put(path, { metadata: { name: 'nodeless.nodeless.io' }, webhooks } as Configuration);
    }
    const name = 'nodeless-nodeless.nodeless-system.svc';
    const namesIn = () => new X509Certificate(must(setIn(kube).serving).certPem).subjectAltName;
    keep(kube, undefined, ['10.0.0.1', name]);
    await until('it is trusted', () => bundleIn(kube) !== '');
    expect(namesIn()).toBe(`DNS:${name}`);
    const before = must(setIn(kube).serving).certPem;
    const served: string[] = [];
    keep(kube, ({ certPem }) => served.push(certPem), ['10.0.0.2', name]);
    await until('another serves by it', () => served.length > 0);
    await delay(300);
    expect(must(setIn(kube).serving).certPem).toBe(before);
  });

  test('says once where API servers call the webhooks, if that is none of its hosts', async () => {
    const kube = apiServer();
    const called = (url: string) => {
      for (const path of CONFIGURATIONS) {
        const webhooks = [{ name: 'a.b.c', clientConfig: { url } }];
        kube.put(path, { metadata: { name: 'nodeless.nodeless.io' }, webhooks } as Configuration);
      }
    };
    const warned: string[][] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => warned.push(JSON.parse(line).called) });
    called(`https://${HOST}:9443/mutate`);
    keep(kube, undefined, [HOST, 'fd00::1'], log);
    await until('it is trusted', () => bundleIn(kube) !== '');
    called('https://[fd00::1]:9443/mutate');
    await until('it is trusted again', () => bundleIn(kube) !== '');
    expect(warned).toEqual([]);
    for (const port of [1, 2]) {
      called(`https://10.9.9.9:${port}/mutate`);
      await until('it is trusted again', () => CONFIGURATIONS.every((path) => bundleIn(kube, path) !== ''));
    }
    expect(warned).toEqual([['10.9.9.9']]);
  });

  test('has API servers trust it again when somebody has overwritten that', async () => {
    const kube = apiServer();
    keep(kube);
    await until('it is trusted', () => bundleIn(kube) !== '');
    const bundle = bundleIn(kube);
    const webhooks = [{ name: 'a.b.c', clientConfig: { caBundle: 'b3RoZXI=' } }];
    for (const path of CONFIGURATIONS)
      kube.put(path, { metadata: { name: 'nodeless.nodeless.io' }, webhooks } as Configuration);
    await until('it is trusted again', () => CONFIGURATIONS.every((path) => bundleIn(kube, path) === bundle));
  });

  test('serves on by the old authority while API servers can not be told of the new one', {
    timeout: 20_000,
  }, async () => {
    const kube = apiServer();
    keep(kube);
    await until('it is trusted', () => CONFIGURATIONS.every((path) => bundleIn(kube, path) !== ''));
    const answer = kube.intercept;
    let refused = 0;
    kube.intercept = (request, user) => {
      if (request.method !== 'PATCH') return answer(request, user);
      refused += 1;
      return { status: 403, contentType: 'application/json', body: Buffer.from('{"reason":"Forbidden"}') };
    };
    const before = must(setIn(kube).serving).certPem;
    keepInSecret(kube, must(await perform({ do: 'announce' }, setIn(kube), [HOST], Date.now())));
    await delay(3_500);
    expect(refused).toBeGreaterThan(0);
    expect(must(setIn(kube).serving).certPem).toBe(before);
    kube.intercept = answer;
    await until('the new one signs', () => must(setIn(kube).serving).certPem !== before);
  });

  /** One call as an API server makes it: a connection of its own, that trusts what the configuration says now. */
  function handshake(port: number, ca: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: HOST, port, ca, servername: '' }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  test('changes certificate and authority under load without one failed handshake', { timeout: 30_000 }, async () => {
    const kube = apiServer();
    let server: WebhookServer | undefined;
    const first = Promise.withResolvers<{ cert: string; key: string }>();
    keep(kube, ({ certPem: cert, keyPem: key }) => {
      first.resolve({ cert, key });
      server?.renew({ cert, key });
    });
    const registry = new Registry();
    server = await startWebhookServer({
      ...{ host: HOST, port: 0, serving: await first.promise, registry, logger },
      ...{ metrics: createWebhookMetrics(registry), isReady: () => true, webhooks: {} },
    });
    const { port } = server;
    await until('it is trusted', () => bundleIn(kube) !== '');
    const old = bundleIn(kube);
    const serials = new Set<string>();
    const failures: unknown[] = [];
    let loading = true;
    const load = Array.from({ length: 4 }, async () => {
      while (loading) {
        // What an API server knows is a little behind.
        const known = bundleIn(kube);
        await delay(5);
        await handshake(port, known).then(
          (serial) => serials.add(serial),
          (error) => failures.push(error),
        );
      }
    });
    const set = setIn(kube);
    keepInSecret(kube, must(await perform({ do: 'announce' }, set, [HOST], Date.now())));
    await until('the old authority is forgotten', () => !bundleIn(kube).includes(old));
    await delay(100);
    loading = false;
    await Promise.all(load);
    await server.stop();
    expect(failures).toEqual([]);
    expect(serials.size).toBe(2);
  });
});
