import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplesIn } from '../support/exposition.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod, WEB_IMAGE } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { logsOverWebSocket } from '../support/websocket-logs.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, apply, get, kubectlPath, kubeconfig } = toolsOf(CLUSTER);
const env = { KUBECONFIG: kubeconfig };

/** Starts kubectl and leaves it running. */
function start(...args: readonly string[]) {
  return execa(kubectlPath, args, { env, reject: false, timeout: 60_000 });
}

describe('kubectl against a pod on a cell', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
    const talker = 'trap exit TERM; i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done';
    const echo = 'echo started; while read line; do echo "got $line"; done';
    await apply(
      pod('talker', { command: ['sh', '-c', talker] }),
      pod('listener', { container: { stdin: true }, command: ['sh', '-c', echo] }),
      pod('restarting', {
        command: [
          'sh',
          '-c',
          'if [ -e /data/again ]; then echo second life; trap exit TERM; while true; do sleep 1; done; fi; touch /data/again; echo first life; exit 1',
        ],
        container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        spec: { volumes: [{ name: 'data', emptyDir: {} }] },
      }),
      pod('web', { image: WEB_IMAGE, container: { command: undefined } }),
    );
    const restarts = ['get', 'pod', 'restarting', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'];
    await eventually('the restart', async () => (await kubectl(...restarts)) === '1');
    await kubectl(
      'wait',
      'pod/talker',
      'pod/listener',
      'pod/restarting',
      'pod/web',
      '--for=condition=Ready',
      '--timeout=90s',
    );
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
    await kubectl('delete', 'pods', '--all', '--wait', '--grace-period=1');
  });

  test('logs -f streams lines as they are written, and ends when the client does', async () => {
    const following = start('logs', '-f', 'talker', '--tail=1');
    const lines: string[] = [];
    following.stdout.on('data', (chunk) => lines.push(...String(chunk).trim().split('\n')));
    await eventually('five lines', () => lines.length >= 5);
    following.kill();
    await following;
    const numbers = lines.map((line) => Number(line.replace('line ', '')));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  });

  test('logs --tail and --since bound what is read', async () => {
    expect((await kubectl('logs', 'talker', '--tail=3')).split('\n')).toHaveLength(3);
    const recent = (await kubectl('logs', 'talker', '--since=1s')).split('\n').length;
    expect(recent).toBeLessThan(15);
  });

  test('logs --previous reads the container before the restart', async () => {
    expect(await kubectl('logs', 'restarting', '--previous')).toBe('first life');
    expect(await kubectl('logs', 'restarting')).toBe('second life');
  });

  test('logs come whole over a WebSocket, every time', async () => {
    const whole = await kubectl('logs', 'listener');
    for (let time = 0; time < 10; time += 1) {
      expect((await logsOverWebSocket(kubeconfig, 'listener')).trimEnd()).toBe(whole);
    }
  });

  test('exec carries stdin, stdout, stderr and the exit code', async () => {
    const result = await execa(kubectlPath, ['exec', '-i', 'talker', '--', 'sh', '-c', 'cat; echo oops >&2; exit 7'], {
      env,
      input: 'to you',
      reject: false,
    });
    expect([result.stdout, result.exitCode]).toEqual(['to you', 7]);
    expect(result.stderr).toContain('oops');
  });

  test('exec -it gives a terminal', async () => {
    const command = `${kubectlPath} exec -it talker -- sh -c 'test -t 0 && echo a terminal'`;
    const { stdout } = await execa('script', ['-qec', command, '/dev/null'], { env });
    expect(stdout).toContain('a terminal');
  });

  test('exec into a pod that does not exist says so', async () => {
    expect((await tryKubectl('exec', 'nobody', '--', 'true')).stderr).toContain('not found');
  });

  test('attach talks to the running container', async () => {
    const attached = execa(kubectlPath, ['attach', '-i', 'listener'], { env, reject: false, timeout: 30_000 });
    let seen = '';
    attached.stdout.on('data', (chunk) => {
      seen += chunk;
    });
    await eventually('the echo', () => {
      attached.stdin.write('hello\n');
      return seen.includes('got hello');
    });
    attached.kill();
    await attached;
  });

  test('cp brings a megabyte there and back unchanged', async () => {
    const original = randomBytes(1_000_000);
    await writeFile(join(folder, 'there'), original);
    await kubectl('cp', join(folder, 'there'), 'talker:/tmp/file');
    await kubectl('cp', 'talker:/tmp/file', join(folder, 'back'));
    expect((await readFile(join(folder, 'back'))).equals(original)).toBe(true);
  });

  test('port-forward serves many requests', async () => {
    const forwarding = start('port-forward', 'pod/web', '18080:80');
    try {
      for (let request = 0; request < 10; request += 1) {
        const page = await eventually('an answer', async () => (await fetch('http://127.0.0.1:18080/')).text());
        expect(page).toContain('web');
      }
    } finally {
      forwarding.kill();
      await forwarding;
    }
  });

  test('debug adds an ephemeral container that shares the pod', async () => {
    await kubectl(
      'debug',
      'talker',
      '--image=registry.k8s.io/e2e-test-images/busybox:1.37.0-1',
      '--target=main',
      '-c',
      'debugger',
      '--',
      'sh',
      '-c',
      'ps; sleep 60',
    );
    await eventually('the ephemeral container has looked at the processes of its target', async () =>
      (await kubectl('logs', 'talker', '-c', 'debugger')).includes('trap exit TERM'),
    );
  });

  test('resource metrics tell CPU and memory of every container, once', async () => {
    const metrics = await eventually('a first sample of each', async () => {
      const text = await kubectl('get', '--raw', '/api/v1/nodes/nodeless/proxy/metrics/resource');
      return (
        ['talker', 'web', 'listener'].every((name) =>
          new RegExp(`container_memory_working_set_bytes{[^}]*pod="${name}"`).test(text),
        ) && text
      );
    });
    const series = metrics
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/ [^}]*$/, ''));
    expect(new Set(series).size).toBe(series.length);
  });

  test('the leader’s own series tell of its cells, what they cost, and how fast pods started', async () => {
    const text = await kubectl('get', '--raw', '/api/v1/nodes/nodeless/proxy/metrics');
    const sum = (series: string, [name, value]: readonly [string, string] = ['virtual_node', 'nodeless']) =>
      samplesIn(text, series)
        .filter(({ labels }) => labels.virtual_node === 'nodeless' && labels[name] === value)
        .reduce((total, sample) => total + sample.value, 0);
    expect(sum('nodeless_cells', ['phase', 'running'])).toBe(4);
    expect(sum('nodeless_pod_start_seconds_count')).toBeGreaterThanOrEqual(4);
    expect(sum('nodeless_cell_start_stage_seconds_count', ['stage', 'boot'])).toBeGreaterThanOrEqual(4);
    expect(sum('nodeless_cell_cost_dollars_total', ['use', 'run'])).toBeGreaterThan(0);
    expect(sum('nodeless_leader')).toBe(1);
  });

  test('the stats summary lists each pod of the node once', async () => {
    const raw = await kubectl('get', '--raw', '/api/v1/nodes/nodeless/proxy/stats/summary');
    const summary = JSON.parse(raw) as { node: { nodeName: string }; pods: { podRef: { name: string } }[] };
    expect(summary.node.nodeName).toBe('nodeless');
    expect(summary.pods.map(({ podRef }) => podRef.name).sort()).toEqual(['listener', 'restarting', 'talker', 'web']);
  });

  test('in-cell state is what the API server shows: host address, pod address, volumes', async () => {
    const { status } = await get<{ status: { hostIP: string; podIP: string } }>('pod', 'web');
    expect(status.hostIP).toMatch(/^10\.200\./);
    expect(status.podIP).toMatch(/^10\.244\./);
  });
});
