import { lastWords } from '../../local-cluster/processes/component.ts';
import { PROVIDER, startProvider } from '../../local-cluster/provider/provider-process.ts';
import type { Standing } from './ground.ts';
import type { Tools } from './kubectl.ts';
import type { Observer } from './observer.ts';
import type { StepView } from './screen.ts';
import { reachAll, trafficRows } from './traffic.ts';
import { NAMESPACE, STATEFUL, statefulPod, WEB, webDeployment, webService } from './workload.ts';

/** What the acts play on. */
export interface Stage {
  readonly standing: Standing;
  readonly tools: Tools;
  readonly observer: Observer;
  readonly signal: AbortSignal;
}

/** One step of the demo that plays on a cluster that is up. */
export interface Act {
  readonly name: string;
  readonly title: string;
  /** True for what only real cells can show: a simulated one runs no program. */
  readonly realOnly?: boolean;
  run(view: StepView, stage: Stage): Promise<void>;
}

const FIRST_REPLICAS = 3;
const MORE_REPLICAS = 6;
/** A first start also unpacks the images once for all cells. */
const START_TIMEOUT_MS = 180_000;
const END_TIMEOUT_MS = 120_000;

/** Starts the provider and shows its node. Before the other acts: the Cell objects' kind comes with it. */
export async function startVirtualNode(
  view: StepView,
  { standing, tools, signal }: Pick<Stage, 'standing' | 'tools' | 'signal'>,
): Promise<void> {
  view.progress({ step: 'provider', detail: 'starting, and waiting for its node to be Ready' });
  await startProvider({ cluster: standing.cluster, config: standing.providerConfig, signal });
  await tools.show(view, 'get', 'nodes');
}

async function followToReady(view: StepView, { observer }: Stage, replicas: number): Promise<void> {
  await observer.follow(view, {
    what: `${replicas} pods to be Ready, each on a cell that runs`,
    check: () => observer.readyPods().length === replicas && observer.cells.alive().length >= replicas,
    timeoutMs: START_TIMEOUT_MS,
  });
}

async function scale(view: StepView, stage: Stage, replicas: number): Promise<void> {
  await stage.tools.show(view, 'scale', 'deployment', WEB, `--replicas=${replicas}`);
}

async function deploy(view: StepView, stage: Stage): Promise<void> {
  const manifest = [webDeployment(FIRST_REPLICAS), webService()]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
  const output = await stage.tools.kubectl(['apply', '-f', '-'], manifest);
  view.line(`$ kubectl apply -f web.yaml\n${output}`);
  await followToReady(view, stage, FIRST_REPLICAS);
}

async function scaleUp(view: StepView, stage: Stage): Promise<void> {
  await scale(view, stage, MORE_REPLICAS);
  await followToReady(view, stage, MORE_REPLICAS);
  await stage.tools.show(view, 'get', 'cells');
}

const WHERE = 'NAME:.metadata.name,NODE:.spec.nodeName,DECISION:.metadata.annotations.nodeless\\.io/decision';

async function stateful(view: StepView, { tools }: Stage): Promise<void> {
  await tools.kubectl(['apply', '-f', '-'], JSON.stringify(statefulPod()));
  await tools.kubectl(['wait', `pod/${STATEFUL}`, '--for=condition=Ready', '--timeout=60s']);
  await tools.show(view, 'get', 'pods', '-o', `custom-columns=${WHERE}`);
  await tools.kubectl(['delete', 'pod', STATEFUL]);
}

async function traffic(view: StepView, stage: Stage): Promise<void> {
  const path = ['get', 'service', WEB, '-o', 'jsonpath={.spec.clusterIP}'];
  const serviceAddress = await stage.tools.kubectl(path);
  view.progress({
    step: 'curl',
    detail: `every pod by its address, and http://${serviceAddress}/ until all have answered`,
  });
  const pods = stage.observer.readyPods();
  const reached = await reachAll(stage.tools, { pods, serviceAddress, signal: stage.signal });
  view.line(trafficRows(reached, serviceAddress).join('\n'));
}

function anyPod({ observer }: Stage): string {
  return observer.readyPods()[0]?.metadata.name ?? '';
}

async function logs(view: StepView, stage: Stage): Promise<void> {
  await stage.tools.show(view, 'logs', anyPod(stage), '--tail=3');
}

async function exec(view: StepView, stage: Stage): Promise<void> {
  const command = `hostname; wget -qO- http://${WEB}.${NAMESPACE}.svc.cluster.local/ | grep answers`;
  await stage.tools.show(view, 'exec', anyPod(stage), '--', 'sh', '-c', command);
}

async function scaleToZero(view: StepView, stage: Stage): Promise<void> {
  const { observer } = stage;
  await scale(view, stage, 0);
  await observer.follow(view, {
    what: 'every pod and every cell to end',
    check: () => observer.allPods().length === 0 && observer.cells.alive().length === 0,
    timeoutMs: END_TIMEOUT_MS,
  });
}

/** The demo, once the virtual node is Ready. */
export const ACTS: readonly Act[] = [
  { name: 'deploy', title: `A Deployment of ${FIRST_REPLICAS} replicas, a cell for each`, run: deploy },
  { name: 'scale up', title: `Scale to ${MORE_REPLICAS}`, run: scaleUp },
  {
    name: 'stateful',
    title: 'A pod with a folder of its host stays on the regular node',
    realOnly: true,
    run: stateful,
  },
  { name: 'traffic', title: 'Every pod by its address and through its Service', realOnly: true, run: traffic },
  { name: 'logs', title: 'kubectl logs', realOnly: true, run: logs },
  { name: 'exec', title: 'kubectl exec', realOnly: true, run: exec },
  { name: 'scale to 0', title: 'Scale to 0: the cells end with their pods', run: scaleToZero },
];

/** For `--keep`: something to play with. */
export const ENCORE: Act = {
  name: 'scale again',
  title: `Scale to ${FIRST_REPLICAS} again, to play with`,
  async run(view, stage) {
    await scale(view, stage, FIRST_REPLICAS);
    await followToReady(view, stage, FIRST_REPLICAS);
  },
};

/** What a person needs to find out why an act failed, while the cluster is still there. */
export async function diagnosis({ standing, tools }: Pick<Stage, 'standing' | 'tools'>): Promise<string> {
  const pods = await tools.kubectl(['get', 'pods', '-A', '-o', 'wide']).catch(() => '');
  const events = await tools.kubectl(['get', 'events', '--sort-by=.lastTimestamp']).catch(() => '');
  const words = await lastWords(standing.cluster.paths, PROVIDER);
  return [
    `pods:\n${pods}`,
    `last events:\n${events.split('\n').slice(-10).join('\n')}`,
    `last words of the provider:\n${words}`,
  ].join('\n\n');
}
