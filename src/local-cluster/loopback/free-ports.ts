import { createServer, type Server } from 'node:net';
import type { ControlPlanePorts } from '../components/command-lines.ts';

/** Every port that a cluster on loopback and its provider listen on. */
export interface LoopbackPorts extends ControlPlanePorts {
  readonly cellApi: number;
  readonly kubeletEndpoint: number;
  readonly webhook: number;
}

async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Ports of loopback that nothing listens on now; all are held until all are known, so they differ. */
export async function freePorts(): Promise<LoopbackPorts> {
  const servers = await Promise.all(Array.from({ length: 8 }, listen));
  const [
    apiServer = 0,
    etcd = 0,
    etcdPeer = 0,
    controllerManager = 0,
    scheduler = 0,
    cellApi = 0,
    kubeletEndpoint = 0,
    webhook = 0,
  ] = servers.map(portOf);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { apiServer, etcd, etcdPeer, controllerManager, scheduler, cellApi, kubeletEndpoint, webhook };
}
