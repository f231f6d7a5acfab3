import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemClock } from '../../../../src/core/clock.ts';
import type { KubeObject } from '../../../../src/kube/objects.ts';
import { createCellClient } from '../../../../src/kubelet-endpoint/cell-client.ts';
import type { CellOfPod, MissingCell, RunningCell } from '../../../../src/kubelet-endpoint/ports.ts';
import {
  createKubeletEndpoint,
  type KubeletEndpoint,
  type KubeletEndpointOptions,
} from '../../../../src/kubelet-endpoint/server.ts';
import { type Authority, newAuthority, type Pair } from './authority.ts';
import { type FakeApi, fakeApi } from './fake-api.ts';
import { type FakeKubelet, type FakeKubeletOptions, fakeKubelet } from './fake-kubelet.ts';

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** An endpoint with two authorities, a scripted API server, and as many fake kubelets as a test wants. */
export interface Rig {
  readonly port: number;
  readonly api: FakeApi;
  readonly registry: Registry;
  readonly endpoint: KubeletEndpoint;
  /** The cluster's authority for client certificates. */
  readonly clients: Authority;
  /** Nodeless's own, of the cells. */
  readonly own: Authority;
  /** A client certificate that may do everything. */
  readonly admin: Pair;
  readonly pods: KubeObject[];
  /** What the directory answers, by `namespace/name`. */
  readonly cellOf: Map<string, CellOfPod | MissingCell>;
  readonly running: RunningCell[];
  kubelet(options?: Partial<FakeKubeletOptions>): Promise<FakeKubelet>;
  get(path: string, options?: RequestOptions): Promise<Answered>;
  /** A TLS connection to the endpoint as the admin. */
  dial(): Promise<TLSSocket>;
  close(): Promise<void>;
}

export async function createRig(overrides: Partial<KubeletEndpointOptions> = {}): Promise<Rig> {
  const clients = await newAuthority('cluster');
  const own = await newAuthority('nodeless');
  const admin = await clients.issue({ cn: 'admin', o: ['system:masters'] });
  const provider = await own.issue({ cn: 'nodeless:provider' });
  const api = fakeApi();
  api.allowed.add('admin *');
  const registry = new Registry();
  const pods: KubeObject[] = [];
  const cellOf: Rig['cellOf'] = new Map();
  const running: RunningCell[] = [];
  const kubelets: FakeKubelet[] = [];
  const cellClient = createCellClient(() => ({ ...provider, ca: own.pem }), 5_000);
  const endpoint = createKubeletEndpoint({
    nodeName: 'vnode',
    host: '127.0.0.1',
    port: 0,
    addresses: ['127.0.0.1'],
    cells: {
      ofPod: (namespace, name, cellId) =>
        cellOf.get([namespace, name, ...(cellId === undefined ? [] : [cellId])].join('/')) ?? {
          missing: `pod ${name} does not exist`,
        },
      running: () => running,
    },
    cellClient,
    client: api.client,
    pods: { synced: true, items: () => pods },
    certificate: { from: 'self-signed' },
    clientCaPem: clients.pem,
    stopGraceMs: 50,
    registry,
    logger: pino({ level: 'silent' }),
    clock: systemClock,
    ...overrides,
  });
  const { port } = await endpoint.start(new AbortController().signal);
  const base = { host: '127.0.0.1', port, rejectUnauthorized: false, agent: false } as const;
  return {
    ...{ port, api, registry, endpoint, clients, own, admin, pods, cellOf, running },
    async kubelet(options = {}) {
      const kubelet = await fakeKubelet({ authority: own, ...options });
      kubelets.push(kubelet);
      return kubelet;
    },
    async get(path, options = {}) {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        httpsRequest({ ...base, ...admin, path, ...options } as RequestOptions, resolve)
          .on('error', reject)
          .end();
      });
      const chunks = await answer.toArray();
      const body = Buffer.concat(chunks).toString();
      return { status: answer.statusCode ?? 0, headers: answer.headers, body };
    },
    dial: () =>
      new Promise((resolve, reject) => {
        const socket = connect({ ...base, ...admin, ...{ allowHalfOpen: true } }, () => resolve(socket));
        socket.on('error', reject);
      }),
    async close() {
      await endpoint.stop();
      cellClient.close();
      for (const kubelet of kubelets) await kubelet.close();
    },
  };
}

/** Everything that a socket gives until it ends. */
export async function drain(socket: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}
