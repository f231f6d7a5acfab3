import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Attestation, BootstrapEvidence } from '../../../providers/contract.ts';
import { type Authority, authorityOf } from '../../../src/cell-api/authority/authority.ts';
import { readSigningRequest } from '../../../src/cell-api/authority/signing-request.ts';
import type { AgentBook, CellBook, CellReports, KnownCell, PodStatus } from '../../../src/cell-api/ports.ts';
import { createCellApi } from '../../../src/cell-api/server.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Collection, startCollection } from '../../../src/kube/collection.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { createAuthorityPair } from '../../../src/pki/certificates.ts';
import { FakeKube } from './fake-kube.ts';

export const NODE = 'vnode';
const GIB = 1024 ** 3;

export function knownCell(cellId: string, addresses: string[] = ['127.0.0.1']): KnownCell {
  return {
    cellId,
    addresses,
    instanceType: 'local.small',
    zone: 'zone-a',
    arch: 'amd64',
    allocatable: { cpuMilli: 2000, memoryBytes: 4 * GIB, ephemeralStorageBytes: 10 * GIB, extended: {} },
  };
}

/** A book that tests write to. */
class TestBook implements CellBook, AgentBook, CellReports {
  complete = true;
  readonly cells = new Map<string, KnownCell>();
  readonly pods = new Map<string, Set<string>>();
  readonly heartbeats: string[] = [];
  readonly statuses: { cellId: string; node: KubeObject }[] = [];
  readonly #listeners = new Map<string, Set<(uid: string) => void>>();

  find(cellId: string): KnownCell | undefined {
    return this.cells.get(cellId);
  }

  podUids(cellId: string): ReadonlySet<string> {
    return this.pods.get(cellId) ?? new Set();
  }

  onShown(cellId: string, listener: (uid: string) => void): () => void {
    const listeners = this.#listeners.get(cellId) ?? new Set();
    this.#listeners.set(cellId, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** `silently` leaves out the notice, as if it was lost. */
  handOver(cellId: string, uid: string, silently = false): void {
    this.pods.set(cellId, new Set([...this.podUids(cellId), uid]));
    if (!silently) this.#show(cellId, uid);
  }

  /** `cell/uid` of agents, with what their cells have told. */
  readonly agents = new Map<string, { status?: PodStatus }>();
  /** Cells of which it is not known which agents they have. */
  readonly unknown = new Set<string>();

  seatAgent(cellId: string, uid: string): void {
    this.agents.set(`${cellId}/${uid}`, {});
    this.handOver(cellId, uid);
  }

  knowsAgents(cellId: string): boolean {
    return !this.unknown.has(cellId);
  }

  agentStatus(cellId: string, uid: string): { readonly status?: PodStatus } | undefined {
    return this.agents.get(`${cellId}/${uid}`);
  }

  tellAgent(cellId: string, uid: string, status: PodStatus): void {
    this.agents.set(`${cellId}/${uid}`, { status });
    this.#show(cellId, uid);
  }

  unseatAgent(cellId: string, uid: string): void {
    this.agents.delete(`${cellId}/${uid}`);
    this.pods.set(cellId, new Set([...this.podUids(cellId)].filter((one) => one !== uid)));
    this.#show(cellId, uid);
  }

  #show(cellId: string, uid: string): void {
    for (const listener of this.#listeners.get(cellId) ?? []) listener(uid);
  }

  heartbeat(cellId: string): void {
    this.heartbeats.push(cellId);
  }

  nodeStatus(cellId: string, node: unknown): void {
    this.statuses.push({ cellId, node: node as KubeObject });
  }
}

/** Real time, moved and stopped by hand. */
function movableClock(): Clock & { advance(ms: number): void; freeze(): void } {
  let offset = 0;
  let frozenMs: number | undefined;
  return {
    now: () => (frozenMs ?? systemClock.now()) + offset,
    freeze() {
      frozenMs = systemClock.now();
    },
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 25), signal),
    advance(ms) {
      offset += ms;
    },
  };
}

export function pod(name: string, options: { uid?: string; namespace?: string; spec?: object } = {}): KubeObject {
  const { uid = `uid-${name}`, namespace = 'default', spec = {} } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid },
    spec: { nodeName: NODE, serviceAccountName: 'default', containers: [{ name: 'main', image: 'x' }], ...spec },
    status: { phase: 'Pending' },
  };
}

export const NODES = '/api/v1/nodes';
export const podsPath = (namespace = 'default'): string => `/api/v1/namespaces/${namespace}/pods`;

export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  // Tests read answers of many kinds.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

export interface RequestOptions {
  readonly method?: string;
  readonly as?: Credentials | undefined;
  readonly token?: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Record<string, string>;
}

export class Harness {
  readonly kube = new FakeKube();
  readonly book = new TestBook();
  readonly clock = movableClock();
  readonly registry = new Registry();
  readonly reused: unknown[] = [];
  attest: (evidence: BootstrapEvidence) => Promise<Attestation> = async () => ({ outcome: 'unknown' });
  authority!: Authority;
  port = 0;
  /** Called when there is something to stop, just before it is started. */
  onCreated: () => void = () => undefined;
  readonly #life = new AbortController();
  readonly #sessions: http2.ClientHttp2Session[] = [];
  #stop: () => Promise<void> = async () => undefined;
  readonly #agents: https.Agent[] = [];

  async start(options: { synced?: boolean; port?: number } = {}): Promise<void> {
    const { kube, book, clock, registry } = this;
    const logger = pino({ level: 'silent' });
    this.kube.put(NODES, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE, uid: 'node-uid', labels: { 'kubernetes.io/hostname': NODE } },
      spec: { taints: [{ key: 'virtual-kubelet.io/provider', effect: 'NoSchedule' }] },
      status: { addresses: [{ type: 'InternalIP', address: '10.9.9.9' }] },
    });
    this.authority = await authorityOf(await createAuthorityPair('test', clock.now()), { clock });
    const client = kube.client();
    const nodeClient = client.as({ user: `system:node:${NODE}`, groups: [] });
    const source = { client, clock, logger };
    const pods =
      options.synced === false
        ? new Collection<KubeObject>()
        : startCollection<KubeObject>({ ...source, path: '/api/v1/pods' }, this.#life.signal);
    const nodes = startCollection<KubeObject>({ ...source, path: NODES }, this.#life.signal);
    if (options.synced !== false) await pods.whenSynced;
    await nodes.whenSynced;
    const api = createCellApi({
      virtualNode: NODE,
      host: '127.0.0.1',
      port: options.port ?? 0,
      servingHosts: ['127.0.0.1', 'localhost'],
      authority: this.authority,
      book,
      reports: book,
      collections: { pods, nodes },
      client,
      nodeClient,
      attest: (evidence) => this.attest(evidence),
      onTokenReuse: (event) => this.reused.push(event),
      registry,
      logger,
      clock,
    });
    this.#stop = api.stop;
    this.onCreated();
    this.port = (await api.start(this.#life.signal)).port;
  }

  stopApi(): Promise<void> {
    return this.#stop();
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    for (const agent of this.#agents) agent.destroy();
    await this.#stop();
    this.#life.abort();
  }

  /** A cell with a certificate, in the book. */
  async cell(cellId: string): Promise<Credentials> {
    this.book.cells.set(cellId, knownCell(cellId));
    return this.certificate(cellId);
  }

  async certificate(cellId: string, authority = this.authority): Promise<Credentials> {
    const { csr, key } = await makeCsr();
    const cert = await authority.signCellClient(await readSigningRequest(csr, NODE), cellId, NODE);
    return { cert, key };
  }

  /** A pod in the cluster that is handed over to a cell. */
  async handedOver(cellId: string, object: KubeObject): Promise<KubeObject> {
    const stored = this.kube.put(podsPath(object.metadata.namespace), object);
    await tick();
    this.book.handOver(cellId, object.metadata.uid ?? '');
    return stored;
  }

  session(as?: Credentials): http2.ClientHttp2Session {
    const session = http2.connect(`https://127.0.0.1:${this.port}`, { ca: this.authority.caPem, ...as });
    session.on('error', () => undefined);
    this.#sessions.push(session);
    return session;
  }

  /** One request over HTTP/2. */
  async request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const session = this.session(options.as);
    try {
      return await over(session, path, options);
    } finally {
      session.destroy();
    }
  }

  /** One request over HTTP/1.1. */
  async request1(path: string, options: RequestOptions = {}): Promise<Answer> {
    const agent = new https.Agent({ keepAlive: false, ALPNProtocols: ['http/1.1'] });
    this.#agents.push(agent);
    const request = https.request({
      host: '127.0.0.1',
      port: this.port,
      path,
      method: options.method ?? 'GET',
      headers: headersOf(options),
      ca: this.authority.caPem,
      agent,
      ...options.as,
    });
    request.end(bytesOf(options.body));
    const [message] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return { status: message.statusCode ?? 0, headers: message.headers, body: parsed(Buffer.concat(chunks)) };
  }

  async watch(path: string, as: Credentials): Promise<TestWatch> {
    const session = this.session(as);
    const stream = session.request({ ':path': path, accept: 'application/json' });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return new TestWatch(Number(headers[':status']), stream);
  }

  /** What was denied for a reason so far. */
  denials(reason: string): Promise<number> {
    return this.metric('nodeless_cell_api_denials_total', { reason });
  }

  async metric(name: string, labels: Record<string, string>): Promise<number> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    return (metric?.values ?? [])
      .filter((value) =>
        Object.entries(labels).every(
          ([key, wanted]) => String((value.labels as Record<string, unknown>)[key]) === wanted,
        ),
      )
      .reduce((sum, { value }) => sum + value, 0);
  }
}

/** How many of these answers have the status. */
export function withStatus(answers: readonly Answer[], wanted: number): number {
  return answers.filter(({ status }) => status === wanted).length;
}

export class TestWatch {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: events of many kinds
  readonly events: any[] = [];
  ended = false;
  readonly stream: http2.ClientHttp2Stream;

  constructor(status: number, stream: http2.ClientHttp2Stream) {
    this.status = status;
    this.stream = stream;
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.events.push(JSON.parse(line));
    });
    stream.on('end', () => {
      this.ended = true;
      if (rest !== '') this.events.push(JSON.parse(rest));
    });
    stream.on('error', () => {
      this.ended = true;
    });
    stream.on('close', () => {
      this.ended = true;
    });
  }

  seen(): string[] {
    return this.events.map(
      ({ type, object }) => `${type} ${object.metadata?.name ?? object.metadata?.resourceVersion}`,
    );
  }
}

export async function over(
  session: http2.ClientHttp2Session,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const body = bytesOf(options.body);
  const sent = { ':path': path, ':method': options.method ?? 'GET', ...headersOf(options) };
  const stream = session.request(sent, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { status: Number(headers[':status']), headers, body: parsed(Buffer.concat(chunks)) };
}

function headersOf({
  token,
  body,
  contentType = 'application/json',
  headers = {},
}: RequestOptions): Record<string, string> {
  return {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': contentType }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...headers,
  };
}

function bytesOf(body: unknown): string | undefined {
  return body === undefined || typeof body === 'string' ? (body as string | undefined) : JSON.stringify(body);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return bytes.toString();
  }
}

export interface CsrOptions {
  readonly name?: Record<string, string[]>[];
  readonly hosts?: { type: 'ip' | 'dns' | 'url'; value: string }[];
  readonly keys?: CsrKeys;
}

export type CsrKeys = Awaited<ReturnType<typeof makeKeys>>;

async function makeKeys() {
  return (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])) as import('node:crypto').webcrypto.CryptoKeyPair;
}

/** A CSR as a kubelet makes it. */
export async function makeCsr(options: CsrOptions = {}): Promise<{ csr: string; key: string; keys: CsrKeys }> {
  const { name = [{ O: ['system:nodes'] }, { CN: [`system:node:${NODE}`] }], hosts } = options;
  const keys = options.keys ?? (await makeKeys());
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    ...(hosts === undefined ? {} : { extensions: [new x509.SubjectAlternativeNameExtension(hosts)] }),
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    csr: request.toString('pem'),
    keys,
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
  };
}

export function csrObject(
  csr: string,
  signerName = 'kubernetes.io/kube-apiserver-client-kubelet',
  name?: string,
): object {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: name === undefined ? { generateName: 'csr-' } : { name },
    spec: { request: Buffer.from(csr).toString('base64'), signerName, usages: ['digital signature', 'client auth'] },
  };
}

export const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

export function tick(ms = 30): Promise<void> {
  return systemClock.sleep(ms);
}
