import { setTimeout as delay } from 'node:timers/promises';
import type { BootstrapEvidence, LaunchRequest } from '../../../providers/contract.ts';
import { createSimulatedCloud } from '../../../providers/simulated/cloud.ts';
import { serveCalls } from './channel.ts';
import { HollowFleet } from './fleet.ts';
import { hollowKubelet } from './kubelet.ts';
import { processMemory } from './process-memory.ts';

/**
 * A cloud of hollow cells, apart from the provider, so that each has a CPU time and a memory of its own:
 * `node process.ts SOCKET`. The provider calls `launch`, `list`, `terminate` and `attest`, the benchmark the rest.
 */
const [socketPath = ''] = process.argv.slice(2);
const NO_TIME = { p50Ms: 0, p95Ms: 0 };
/** Apart from each other, as machines of a cloud are, so that no two make their key at once. */
const LAUNCH_TIME = { p50Ms: 50, p95Ms: 200 };

const fleet = new HollowFleet();
const cloud = createSimulatedCloud({
  launchLatency: LAUNCH_TIME,
  podStartLatency: NO_TIME,
  podStopLatency: NO_TIME,
  kubelet: hollowKubelet(fleet),
});

await serveCalls(socketPath, {
  offerings: () => cloud.offerings,
  launch: (request: LaunchRequest, signal) => cloud.launch(request, signal),
  list: () => cloud.list(),
  terminate: (cellId: string) => cloud.terminate(cellId),
  attest: (evidence: BootstrapEvidence) => cloud.attest(evidence),
  state: () => ({
    machines: cloud.list().length,
    watches: fleet.watches,
    failures: Object.fromEntries(fleet.failures),
  }),
  setProxied: (proxied: boolean) => fleet.setProxied(proxied),
  arrivals: () => fleet.arrivals.take(),
  memory: () => processMemory(),
});
process.on('SIGTERM', () => {
  const cut = delay(2_000);
  void Promise.race([cloud.close(), cut]).then(() => process.exit(0));
});
