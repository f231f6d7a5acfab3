import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/environment.ts';
import { call, getOrUndefined } from '../../src/kube/calls.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { hasCondition } from '../../src/kube/objects.ts';
import { systemProgram } from '../../src/local-cluster/binaries/lookup.ts';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import { startComponent, waitForComponent } from '../../src/local-cluster/processes/component.ts';
import { run } from '../../src/local-cluster/processes/run.ts';
import { writePrivate } from '../../src/local-cluster/state.ts';
import { MODULES_FOLDER } from '../../src/local-cluster/versions.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contestant } from './contestant.ts';
import { endComponent } from './simulated-provider.ts';

const NAME = 'kwok';
const NODE = 'kwok-node';
const READY_TIMEOUT_MS = 60_000;

/** kwok's own stages without delays, as its documentation has them, with a heartbeat by lease. */
const STAGES = [
  'node/fast/node-initialize.yaml',
  'node/heartbeat-with-lease/node-heartbeat-with-lease.yaml',
  'pod/fast/pod-ready.yaml',
  'pod/fast/pod-complete.yaml',
  'pod/fast/pod-delete.yaml',
];

/** The stages as the module of the very version ships them. */
async function stages(): Promise<string> {
  const go = (await systemProgram('go', readEnvironment())) ?? 'go';
  const { stdout } = await run([go, 'list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok'], {
    cwd: join(MODULES_FOLDER, 'kwok'),
  });
  const files = STAGES.map((stage) => readFile(join(stdout.trim(), 'kustomize/stage', stage), 'utf8'));
  return (await Promise.all(files)).join('\n---\n');
}

/** A node as large as our virtual node is by default. */
function node(): object {
  const size = { cpu: '1024', memory: '4Ti', pods: '1000' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE, annotations: { 'kwok.x-k8s.io/node': 'fake' }, labels: { type: NAME } },
    status: { capacity: size, allocatable: size },
  };
}

/** kwok, as its documentation runs it outside of a cluster. */
export async function kwok(bench: BenchCluster): Promise<Contestant> {
  const { cluster, client, context } = bench;
  const { progress, signal } = context;
  const { paths } = cluster;
  const { kwok: program } = await obtainPrograms(['kwok'], { progress, signal });
  const binary = join(paths.binDir, NAME);
  await symlink(program, binary);
  const config = join(paths.configDir, 'kwok-stages.yaml');
  await writePrivate(config, await stages());
  return {
    name: NAME,
    place: { nodeSelector: { type: NAME }, tolerations: [] },
    async start() {
      const { process } = await startComponent(paths, NAME, [
        binary,
        `--kubeconfig=${cluster.kubeconfigs.admin}`,
        '--manage-all-nodes=false',
        '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
        '--node-lease-duration-seconds=40',
        '--server-address=127.0.0.1:0',
        '--enable-crds=',
        `--config=${config}`,
      ]);
      await call(client, { method: 'POST', path: '/api/v1/nodes', body: node(), signal });
      const check = async () =>
        hasCondition(await getOrUndefined<KubeObject>(client, `/api/v1/nodes/${NODE}`, signal), 'Ready');
      await waitForComponent(paths, NAME, { check, timeoutMs: READY_TIMEOUT_MS, signal });
      return process.pid;
    },
    stop: () => endComponent(bench, NAME, NODE),
  };
}
