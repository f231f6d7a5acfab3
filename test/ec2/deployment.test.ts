import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { readRecord } from '../../src/local-cluster/state.ts';
import { up } from '../../src/local-cluster/up.ts';
import { type AwsBed, BED_REGION, bedCredentials, startAwsBed } from '../support/aws/bed.ts';
import { type Hypervisor, startHypervisor } from '../support/aws/hypervisor/hypervisor.ts';
import { instancesIn } from '../support/aws/hypervisor/instances.ts';
import { QUEUE_URL } from '../support/aws/interruption-queue.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod, service, WEB_IMAGE, webDeployment } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';

const CLUSTER = 'ec2';
const { kubectl, get, apply, inside } = toolsOf(CLUSTER);
const { signal } = new AbortController();
const PODS = 6;
const ZONE = 'us-east-1a';

interface Pods {
  items: {
    metadata: { name: string; annotations?: Record<string, string> };
    status: { podIP: string; hostIP: string };
  }[];
}
interface Cells {
  items: {
    metadata: { name: string };
    status: { instanceType: string; launchType: string; pricePerHourUsd?: number };
  }[];
}

let bed: AwsBed;
let hypervisor: Hypervisor;

const alive = async () => (await instancesIn(bed)).filter(({ state }) => state !== 'terminated');

beforeAll(async () => {
  bedCredentials();
  const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);
  const cluster = await up({ name: CLUSTER, replace: true, signal, progress });
  const record = await readRecord(cluster.paths);
  bed = await startAwsBed(record?.hostAddress);
  hypervisor = await startHypervisor({ bed, cluster, bootDelayMs: 1_000 });
  const awsEc2 = {
    region: BED_REGION,
    endpoint: bed.url,
    subnets: [bed.subnets.get(ZONE) ?? ''],
    interruptionQueue: QUEUE_URL,
    instanceProfile: 'cells',
    // What stands in for the image has no other.
    sandboxImage: 'registry.k8s.io/pause:3.10.1',
  };
  const cells = { completedLinger: '5s', orphanAfter: '10s', censusEvery: '2s' };
  await startProvider({ cluster, signal, config: { provider: 'aws-ec2', awsEc2, cells, logLevel: 'debug' } });
});

afterAll(async () => {
  try {
    await hypervisor?.stop();
  } finally {
    await down({ name: CLUSTER }).finally(() => bed?.close());
  }
  expect(await leftovers({ name: CLUSTER })).toEqual([]);
});

/** What the customer of the shop was answered, one by one. */
const asked = async () => (await kubectl('logs', 'customer')).split('\n').filter((line) => line !== '');

const SPOT_WARNING = 'EC2 Spot Instance Interruption Warning';

/** Smaller ones have no baseline left beside their kubelet. */
const CHEAPEST = 't3a.micro';

describe('a Deployment on machines of EC2', () => {
  test('runs real pods on the cheapest machines, spot as far as there are any, and on demand beyond', async () => {
    const code = 'InsufficientInstanceCapacity';
    bed.set({
      shortages: [
        { launchType: 'spot', instanceType: CHEAPEST, code, left: 3 },
        { launchType: 'spot', code },
      ],
    });
    const deployment = webDeployment('web', PODS) as { spec: { template: { spec: { nodeSelector: object } } } };
    Object.assign(deployment.spec.template.spec.nodeSelector, { 'kubernetes.io/arch': 'amd64' });
    await apply(deployment, service('web'));
    try {
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=170s');
    } catch (error) {
      const [first = ''] = hypervisor.running;
      const events = await kubectl('get', 'events', '--sort-by=.lastTimestamp');
      throw new Error(`${error}\n${hypervisor.failures.join('\n')}\n${await hypervisor.lastWords(first)}\n${events}`);
    }
    const { items: pods } = await get<Pods>('pods', '-l', 'app=web');
    const machines = await alive();
    expect(pods).toHaveLength(PODS);
    expect(new Set(pods.map(({ status }) => status.hostIP))).toEqual(new Set(machines.map(({ address }) => address)));
    const { items: cells } = await get<Cells>('cells');
    const launchTypes = cells.map(({ status }) => status.launchType).sort();
    expect(launchTypes).toEqual([...Array(3).fill('ec2-on-demand'), ...Array(3).fill('ec2-spot')]);
  });

  test('has pods that answer by addresses of the subnet, and through the Service, from a pod too', async () => {
    const { items: pods } = await get<Pods>('pods', '-l', 'app=web');
    for (const { metadata, status } of pods) {
      expect(status.podIP).toMatch(/^172\.31\./);
      expect(await inside('curl', '-sf', '--max-time', '5', `http://${status.podIP}/`)).toContain(metadata.name);
    }
    const [first] = pods;
    const page = await kubectl('exec', first?.metadata.name ?? '', '--', 'wget', '-q', '-O', '-', 'http://web/');
    expect(pods.some(({ metadata }) => page.includes(metadata.name))).toBe(true);
    expect(await kubectl('logs', first?.metadata.name ?? '')).toContain('url:/');
  });

  test('whose spot machine EC2 takes back loses no request: its successor has a cell before the pod goes', async () => {
    bed.set({});
    const deployment = webDeployment('shop', 2, { terminationGracePeriodSeconds: 15 }) as {
      spec: { template: { spec: { nodeSelector: object; containers: object[] } } };
    };
    const { spec } = deployment.spec.template;
    Object.assign(spec.nodeSelector, { 'kubernetes.io/arch': 'amd64' });
    // As long as it takes all cells to hear that it is no endpoint any more.
    Object.assign(spec.containers[0] ?? {}, { lifecycle: { preStop: { sleep: { seconds: 8 } } } });
    // Its own timeout (-T) is not used: Debian's static busybox dies of it.
    const ask = 'timeout 5 wget -q -O /dev/null http://shop/ && echo ok || echo failed';
    const command = ['sh', '-c', `trap exit TERM; while true; do ${ask}; sleep 0.1; done`];
    await apply(deployment, service('shop'));
    await kubectl('rollout', 'status', 'deployment/shop', '--timeout=170s');
    await apply(pod('customer', { image: WEB_IMAGE, command, spec: { nodeSelector: spec.nodeSelector } }));
    await eventually('customers are served', async () => (await asked()).includes('ok'), 120_000);
    const before = (await asked()).length;
    const { items: pods } = await get<Pods>('pods', '-l', 'app=shop');
    const victim = pods[0];
    const machine = (await alive()).find(({ address }) => address === victim?.status.hostIP);
    const instanceId = machine?.instanceId ?? '';
    bed.queue.send(SPOT_WARNING, { 'instance-id': instanceId, 'instance-action': 'terminate' });
    const names = async () => (await get<Pods>('pods', '-l', 'app=shop')).items.map(({ metadata }) => metadata.name);
    const isGone = async () => !(await names()).includes(victim?.metadata.name ?? '');
    await eventually('the pod has left', isGone, 120_000);
    await eventually(
      'its machine has ended',
      async () => !(await alive()).some((one) => one.instanceId === instanceId),
      60_000,
    );
    await kubectl('rollout', 'status', 'deployment/shop', '--timeout=60s');
    const heir = (await names()).find((name) => !pods.some(({ metadata }) => metadata.name === name));
    const claimed = await get<{ items: { message: string }[] }>(
      'events',
      ...['--field-selector', `involvedObject.name=${heir},reason=CellClaimed`],
    );
    expect(claimed.items.map(({ message }) => message)).toEqual([
      expect.stringMatching(/of pool reserve:shop-.*, ready$/),
    ]);
    const answers = (await asked()).slice(before);
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter((answer) => answer !== 'ok')).toEqual([]);
    await kubectl('delete', 'pod/customer', 'deployment/shop', '--wait=false');
  });

  test('that is scaled to nothing leaves no machine', async () => {
    await kubectl('scale', 'deployment/web', '--replicas=0');
    await eventually('all machines have ended', async () => (await alive()).length === 0, 120_000);
    await eventually('their namespaces are gone', async () => hypervisor.running.size === 0, 60_000);
    expect(hypervisor.failures).toEqual([]);
  });
});
