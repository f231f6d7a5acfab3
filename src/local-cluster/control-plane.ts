import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterApi, openApi } from './api.ts';
import {
  COMPONENTS,
  type CommandLineOptions,
  type Component,
  commandLine,
  configPath,
  NAMESPACE_PORTS,
} from './components/command-lines.ts';
import { corefile, PROXY_NODE, proxyConfiguration, schedulerConfiguration } from './components/configuration.ts';
import { dnsObjects } from './components/dns-objects.ts';
import { readiness, type Whereabouts } from './components/readiness.ts';
import { localFailure } from './failure.ts';
import { kubeconfigPath } from './pki/cluster-pki.ts';
import {
  isComponentRunning,
  readComponent,
  signalComponent,
  startComponent,
  waitForComponent,
  waitForEnd,
} from './processes/component.ts';
import { elapsed, type Progress } from './progress.ts';
import { type ClusterPaths, readRecord, writePrivate } from './state.ts';

const LOOPBACK_COMPONENTS = ['kube-controller-manager', 'kube-scheduler'] as const;
const READY_TIMEOUT_MS = 60_000;
/** An API server with open watches takes its time to end in peace. */
const STOP_TIMEOUT_MS = 5_000;

async function withAdminApi<T>(
  paths: ClusterPaths,
  signal: AbortSignal,
  use: (api: ClusterApi) => Promise<T>,
): Promise<T> {
  const api = await openApi(kubeconfigPath(paths, 'admin'), signal);
  try {
    return await use(api);
  } finally {
    await api.close();
  }
}

/**
 * kube-proxy 1.34 waits 30 s for a Node of its own name that has an address, then goes on without. There is
 * no such node here, so one exists, unschedulable, until kube-proxy has seen it.
 */
async function withProxyNode<T>(api: ClusterApi, address: string, use: () => Promise<T>): Promise<T> {
  const metadata = { name: PROXY_NODE };
  const status = { addresses: [{ type: 'InternalIP', address }] };
  await api.must('POST', '/api/v1/nodes', { metadata, spec: { unschedulable: true }, status }, [409]);
  try {
    return await use();
  } finally {
    await api.must('DELETE', `/api/v1/nodes/${PROXY_NODE}`, undefined, [404]);
  }
}

async function waitReady(component: Component, where: Whereabouts, signal: AbortSignal): Promise<void> {
  const check = readiness(component, where);
  await waitForComponent(where.paths, component, { check, timeoutMs: READY_TIMEOUT_MS, signal });
}

async function addressOf(paths: ClusterPaths): Promise<string> {
  const record = await readRecord(paths);
  if (record === undefined) throw localFailure(`there is no local cluster named ${paths.name}`);
  return record.address;
}

/** Pods are refused until their namespace has its service account. */
async function waitForServiceAccount(api: ClusterApi, signal: AbortSignal): Promise<void> {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  while ((await api.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200) {
    if (Date.now() > deadlineMs) throw localFailure('the controller manager has made no default service account');
    await delay(50, undefined, { signal });
  }
}

export interface StartOptions extends CommandLineOptions {
  readonly outbound: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The starts and waits of one control plane. */
function starter(options: StartOptions) {
  const { paths, address, signal, loopback: ports = NAMESPACE_PORTS } = options;
  const startedAtMs = Date.now();
  return {
    start: (component: Component) => startComponent(paths, component, commandLine(component, options)),
    ready: (component: Component) => waitReady(component, { paths, address, ports }, signal),
    tell: (detail: string) =>
      options.progress({ step: 'control plane', detail: `${detail}, ${elapsed(Date.now() - startedAtMs)}` }),
  };
}

async function startServers(options: StartOptions): Promise<void> {
  const { start, ready, tell } = starter(options);
  const { paths } = options;
  await writePrivate(configPath(paths, 'kube-scheduler'), schedulerConfiguration(paths));
  tell('starting etcd and the API server');
  await start('etcd');
  await ready('etcd');
  await start('kube-apiserver');
  await ready('kube-apiserver');
}

/** Starts every component of a cluster whose namespace, keys and programs are in place, and waits until all are ready. */
export async function startControlPlane(options: StartOptions): Promise<void> {
  const { paths, address, outbound, signal } = options;
  const { start, ready, tell } = starter(options);
  await Promise.all([
    writePrivate(configPath(paths, 'kube-proxy'), proxyConfiguration(paths)),
    writePrivate(configPath(paths, 'coredns'), corefile(paths, { outbound })),
  ]);
  await startServers(options);
  tell('starting controllers, scheduler, Services and DNS');
  await start('kube-controller-manager');
  await start('kube-scheduler');
  await withAdminApi(paths, signal, async (api) => {
    await withProxyNode(api, address, async () => {
      await start('kube-proxy');
      for (const { collection, object } of dnsObjects(address)) await api.must('POST', collection, object, [409]);
      await start('coredns');
      for (const component of COMPONENTS.slice(2)) await ready(component);
    });
    await waitForServiceAccount(api, signal);
  });
}

/** Like `startControlPlane`, on loopback and without Services and DNS: what a cluster of simulated cells needs. */
export async function startLoopbackControlPlane(
  options: StartOptions & Required<Pick<CommandLineOptions, 'loopback'>>,
): Promise<void> {
  const { start, ready, tell } = starter(options);
  await startServers(options);
  tell('starting controllers and scheduler');
  for (const component of LOOPBACK_COMPONENTS) await start(component);
  for (const component of LOOPBACK_COMPONENTS) await ready(component);
  await withAdminApi(options.paths, options.signal, (api) => waitForServiceAccount(api, options.signal));
}

/** Starts a component that was stopped or killed, as it was started first, and waits until it is ready. */
export async function startAgain(paths: ClusterPaths, component: Component, signal: AbortSignal): Promise<void> {
  if (await isComponentRunning(paths, component)) return;
  const address = await addressOf(paths);
  const record = await readComponent(paths, component);
  if (record === undefined) throw localFailure(`${component} was never started in local cluster ${paths.name}`);
  const startAndWait = async () => {
    await startComponent(paths, component, record.argv);
    await waitReady(component, { paths, address, ports: NAMESPACE_PORTS }, signal);
  };
  if (component !== 'kube-proxy') return startAndWait();
  await withAdminApi(paths, signal, (api) => withProxyNode(api, address, startAndWait));
}

/** Ends a component at once, as a crash would (SIGKILL), and waits for its end. */
export async function kill(paths: ClusterPaths, component: Component): Promise<void> {
  await signalComponent(paths, component, 'SIGKILL');
  await waitForEnd(paths, component, STOP_TIMEOUT_MS);
}

/** Stops a component's clock (SIGSTOP): its connections stay open and nothing answers. */
export async function freeze(paths: ClusterPaths, component: Component): Promise<void> {
  await signalComponent(paths, component, 'SIGSTOP');
}

/** Lets a frozen component go on. */
export async function thaw(paths: ClusterPaths, component: Component): Promise<void> {
  await signalComponent(paths, component, 'SIGCONT');
}
