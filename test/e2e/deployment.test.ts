import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { service, webDeployment } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, get, apply, inside } = toolsOf(CLUSTER);

interface Pods {
  items: {
    metadata: { name: string; uid: string; annotations?: Record<string, string> };
    status: { podIP: string; hostIP: string };
  }[];
}
interface Cells {
  items: { metadata: { name: string }; status: { pod: string; podUid: string; phase: string; addresses: string[] } }[];
}

async function webPods(): Promise<Pods['items']> {
  return (await get<Pods>('pods', '-l', 'app=web')).items;
}

describe('a Deployment on the virtual node', () => {
  beforeAll(async () => {
    await apply(webDeployment('web', 3), service('web'));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  });

  afterAll(async () => {
    await kubectl('delete', 'deployment/web', 'service/web', '--ignore-not-found', '--wait');
  });

  test('each pod runs on a cell of its own, which its annotation and its Cell object name alike', async () => {
    const pods = await webPods();
    const cells = await eventually('three running Cell objects', async () => {
      const { items } = await get<Cells>('cells');
      const running = items.filter(({ status }) => status.phase === 'running' && status.pod.includes('/web-'));
      return running.length === 3 && running;
    });
    expect(new Set(pods.map(({ status }) => status.hostIP)).size).toBe(3);
    for (const { metadata, status } of pods) {
      const cell = cells.find((one) => one.metadata.name === metadata.annotations?.['nodeless.io/cell']);
      expect(cell?.status.podUid).toBe(metadata.uid);
      expect(cell?.status.addresses).toContain(status.hostIP);
    }
  });

  test('events tell what was chosen, launched and ready, with how long it took', async () => {
    const [first] = await webPods();
    const events = await eventually('three events', async () => {
      const { items } = await get<{ items: { reason: string; message: string }[] }>(
        'events',
        '--field-selector',
        `involvedObject.uid=${first?.metadata.uid}`,
      );
      const ours = items.filter(({ reason }) => reason.startsWith('Cell'));
      return ours.length >= 3 && ours;
    });
    const messages = Object.fromEntries(events.map(({ reason, message }) => [reason, message]));
    expect(messages.CellRequested).toMatch(/cheapest offering that fits/);
    expect(messages.CellLaunched).toMatch(/accepted after \d+\.\d s/);
    expect(messages.CellReady).toMatch(/ready after \d+\.\d s \(launch \d+\.\d s, boot \d+\.\d s\)/);
  });

  test('every pod answers by address and through the Service, after scaling too', async () => {
    await kubectl('scale', 'deployment/web', '--replicas=6');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const pods = await webPods();
    expect(pods).toHaveLength(6);
    for (const { metadata, status } of pods) {
      expect(await inside('curl', '-sf', '--max-time', '5', `http://${status.podIP}/`)).toContain(metadata.name);
    }
    const clusterIp = await kubectl('get', 'service/web', '-o', 'jsonpath={.spec.clusterIP}');
    const answered = new Set<string>();
    await eventually('every pod has answered through the Service', async () => {
      const page = await inside('curl', '-sf', '--max-time', '5', `http://${clusterIp}/`);
      for (const { metadata } of pods) if (page.includes(metadata.name)) answered.add(metadata.name);
      return answered.size === 6;
    });
  });

  test('scaled to nothing, the cells end and nothing of them stays', async () => {
    await kubectl('scale', 'deployment/web', '--replicas=0');
    await eventually('no Cell objects', async () => (await get<Cells>('cells')).items.length === 0);
    expect(await webPods()).toEqual([]);
    const namespaces = await eventually('no cell namespaces', async () => {
      const list = await inside('sh', '-c', `ls /run/netns | grep '^nodeless-${CLUSTER}-cell' || true`);
      return list === '' && 'none';
    });
    expect(namespaces).toBe('none');
  });
});
