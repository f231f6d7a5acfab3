import { readComponent } from '../processes/component.ts';
import type { ClusterPaths } from '../state.ts';
import { type Component, type ControlPlanePorts, DNS_READY_PORT, PROXY_HEALTH_PORT } from './command-lines.ts';
import { healthProbe, listens } from './probes.ts';

/** Where a component is, and on which ports. */
export interface Whereabouts {
  readonly paths: ClusterPaths;
  readonly address: string;
  readonly ports: ControlPlanePorts;
}

/** etcd is on its namespace's loopback, which only /proc shows from outside; without a namespace it can be asked. */
function etcdReady({ paths, ports }: Whereabouts): () => Promise<boolean> {
  if (paths.rootless === true) return healthProbe(`http://127.0.0.1:${ports.etcd}/health`);
  return async () => listens((await readComponent(paths, 'etcd'))?.process.pid ?? 0, ports.etcd);
}

/** A check that is true once a component does its work. */
export function readiness(component: Component, where: Whereabouts): () => Promise<boolean> {
  const { address, ports } = where;
  const https = (port: number, path: string) => healthProbe(`https://${address}:${port}${path}`);
  const http = (port: number, path: string) => healthProbe(`http://${address}:${port}${path}`);
  switch (component) {
    case 'etcd':
      return etcdReady(where);
    case 'kube-apiserver':
      return https(ports.apiServer, '/readyz');
    case 'kube-controller-manager':
      return https(ports.controllerManager, '/healthz');
    case 'kube-scheduler':
      return https(ports.scheduler, '/healthz');
    case 'kube-proxy':
      // Not /healthz: that one also wants kube-proxy's Node, which is only there while it starts.
      return http(PROXY_HEALTH_PORT, '/livez');
    case 'coredns':
      return http(DNS_READY_PORT, '/ready');
  }
}
