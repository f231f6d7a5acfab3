import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { DEFAULT_REFERENCE, providerImage } from '../../src/image/provider-image.ts';
import { installObjects } from '../../src/install/objects.ts';
import { down } from '../../src/local-cluster/down.ts';
import { dockerArchive } from '../../src/local-cluster/images/archive.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { REGULAR_NODE } from '../../src/local-cluster/regular-node.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { AUDIT_POLICY, denials, readAuditLog, requestsOfProvider } from '../support/audit.ts';
import { toolsOf } from '../support/kubectl.ts';
import { importToRegularNode } from '../support/node-images.ts';
import { startNodeless } from '../support/nodeless.ts';
import { WEB_IMAGE } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';

/** A cluster that nothing of ours is in, with one regular node, which the provider runs on as anybody's pods do. */
const CLUSTER = 'installed';
const NAMESPACE = 'nodeless-system';
const tools = toolsOf(CLUSTER);
const { kubectl, apply, get } = tools;
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);
/** Cells in memory: those of provider local are processes of a machine, which no pod may start. */
const CONFIG = {
  provider: 'simulated',
  simulated: { launchTime: '300ms', startTime: '100ms' },
  cells: { completedLinger: '2s', orphanAfter: '5s', censusEvery: '1s' },
};

/** Commands start a Node.js each, on a machine that may be busy. */
const PATIENCE_MS = 400_000;

let cluster: LocalCluster;
let configFile: string;

const nodeless = (...args: readonly string[]) => startNodeless(tools.kubeconfig, args, { timeoutMs: PATIENCE_MS });

interface ProviderPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP: string };
}

async function replicas(): Promise<readonly ProviderPod[]> {
  const found = await get<{ items: readonly ProviderPod[] }>(
    'pods',
    '-n',
    NAMESPACE,
    '-l',
    'app.kubernetes.io/name=nodeless',
  );
  return found.items;
}

/** The pod that leads, by the lease. */
async function leader(): Promise<ProviderPod | undefined> {
  const path = ['lease', 'nodeless-nodeless', '-n', NAMESPACE, '-o', 'jsonpath={.spec.holderIdentity}'];
  const holder = await kubectl('get', ...path);
  return (await replicas()).find(({ metadata }) => holder.startsWith(`${metadata.name}_`));
}

/** Every object that is called after us, of every kind that can be listed, but for Events. */
async function ours(): Promise<readonly string[]> {
  const kinds = (await kubectl('api-resources', '--verbs=list', '-o', 'name'))
    .split('\n')
    .filter((kind) => !/^events/.test(kind));
  const found = await kubectl('get', kinds.join(','), '-A', '-o', 'name', '--ignore-not-found');
  // A local cluster's DNS has a role that is called so.
  return found.split('\n').filter((name) => name.includes('nodeless') && !name.endsWith('nodeless:coredns'));
}

function deployment(name: string, count: number): object {
  const labels = { app: name };
  const containers = [{ name: 'web', image: WEB_IMAGE, resources: { requests: { cpu: '50m', memory: '64Mi' } } }];
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers } };
  const spec = { replicas: count, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

beforeAll(async () => {
  cluster = await up({ name: CLUSTER, replace: true, regularNode: true, progress, signal, auditPolicy: AUDIT_POLICY });
  const archive = join(cluster.paths.stateDir, 'nodeless.tar');
  await writeFile(archive, await dockerArchive(await providerImage(DEFAULT_REFERENCE, signal)));
  await importToRegularNode(cluster.paths, archive);
  await rm(archive);
  configFile = join(cluster.paths.configDir, 'nodeless.yaml');
  await writeFile(configFile, stringify(CONFIG));
});

afterAll(async () => {
  const events = await readAuditLog(CLUSTER).finally(() => down({ name: CLUSTER }));
  expect(await leftovers({ name: CLUSTER })).toEqual([]);
  const requests = requestsOfProvider(events);
  expect(requests.length).toBeGreaterThan(0);
  expect(denials(requests)).toEqual([]);
});

describe('nodeless install', () => {
  const FLAGS = () => ['install', '--image', DEFAULT_REFERENCE, '--config', configFile];

  test(
    'prints what it would apply, and says what would change, and writes nothing',
    async () => {
      const { stdout, exitCode } = await nodeless(...FLAGS(), '--dry-run');
      expect(exitCode).toBe(0);
      expect(stdout).toContain('kind: Deployment');
      const { stdout: changes } = await nodeless(...FLAGS(), '--diff');
      expect(changes.split('\n')).toEqual(
        expect.arrayContaining(['+ Namespace/nodeless-system', '+ Deployment/nodeless-nodeless']),
      );
      expect((await tools.tryKubectl('get', 'namespace', NAMESPACE)).exitCode).not.toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'brings a clean cluster to a Ready virtual node, whose provider is pods on the regular node, and waits for it',
    async () => {
      const { all, exitCode, stdout } = await nodeless(...FLAGS());
      expect([exitCode, all]).toEqual([0, expect.stringContaining('node nodeless Ready')]);
      expect(stdout).toContain('CellClass/default applied');
      const pods = await replicas();
      expect(pods.map(({ spec }) => spec.nodeName)).toEqual([REGULAR_NODE, REGULAR_NODE]);
      await kubectl('wait', 'node/nodeless', '--for=condition=Ready', '--timeout=5s');
    },
    PATIENCE_MS,
  );

  test('changes nothing when it is repeated, and says so', async () => {
    const { stdout, exitCode } = await nodeless(...FLAGS(), '--diff');
    expect([stdout, exitCode]).toEqual(['', 0]);
    const before = await kubectl(
      'get',
      'deployment',
      '-n',
      NAMESPACE,
      '-o',
      'jsonpath={.items[*].metadata.generation}',
    );
    expect((await nodeless(...FLAGS())).exitCode).toBe(0);
    expect(await kubectl('get', 'deployment', '-n', NAMESPACE, '-o', 'jsonpath={.items[*].metadata.generation}')).toBe(
      before,
    );
  });
});

describe('a provider in the cluster', () => {
  test('routes a Deployment to cells, which find it by its Service', async () => {
    await apply(deployment('web', 3));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    const nodes = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}');
    expect(nodes).toBe('nodeless nodeless nodeless');
    expect((await kubectl('get', 'cells', '-o', 'name')).split('\n')).toHaveLength(3);
  });

  test('is followed by the Node and by the Service of its cells when another replica leads', async () => {
    const before = await eventually('somebody leads', leader);
    await kubectl('delete', 'pod', before.metadata.name, '-n', NAMESPACE, '--grace-period=0', '--force');
    const after = await eventually('another one leads', async () => {
      const now = await leader();
      return now !== undefined && now.metadata.name !== before.metadata.name && now;
    });
    const ofNode = ['get', 'node', 'nodeless', '-o', 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}'];
    const ofSlice = [
      'get',
      'endpointslice',
      'nodeless-cells-nodeless',
      '-n',
      NAMESPACE,
      '-o',
      'jsonpath={.endpoints[*].addresses[*]}',
    ];
    for (const where of [ofNode, ofSlice])
      await eventually(`${where[1]} has its address`, async () => (await kubectl(...where)) === after.status.podIP);
    // Cells in memory end with their process, and their pods are made anew.
    await apply(deployment('after', 2));
    await kubectl('rollout', 'status', 'deployment/after', '--timeout=90s');
    await kubectl('delete', 'deployment', 'web', 'after', '--wait');
  });

  test('does all of it with what is shipped, and needs the grant of its Service', async () => {
    const provider = { image: DEFAULT_REFERENCE, replicas: 2, config: CONFIG };
    const objects = await installObjects({ virtualNode: 'nodeless', namespace: NAMESPACE, provider });
    expect(objects.map(({ metadata }) => metadata.name)).toContain('nodeless:nodeless:cells');
    const patched = requestsOfProvider(await readAuditLog(CLUSTER)).filter(
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'endpointslices',
    );
    expect(new Set(patched.map(({ objectRef }) => objectRef?.name))).toEqual(new Set(['nodeless-cells-nodeless']));
  });
});

describe('nodeless status, doctor and register', () => {
  test(
    'tell how it stands, and that nothing is wrong but what simulated cells have not: logs',
    async () => {
      onTestFinished(async () => void (await kubectl('delete', 'deployment', 'looked-at', '--wait')));
      await apply(deployment('looked-at', 1));
      await kubectl('rollout', 'status', 'deployment/looked-at', '--timeout=60s');
      // One replica is new: the test before has ended its predecessor.
      await kubectl('rollout', 'status', 'deployment/nodeless-nodeless', '-n', NAMESPACE, '--timeout=60s');
      // Cell objects are written behind what happens, and a new leader has to be there first.
      const standing = async () => {
        const { exitCode, stdout } = await nodeless('status', '-o', 'json');
        return [exitCode, JSON.parse(stdout)];
      };
      await expect.poll(standing, { timeout: PATIENCE_MS / 2, interval: 1_000 }).toMatchObject([
        0,
        [
          {
            virtualNode: 'nodeless',
            nodes: [{ isReady: true }],
            replicas: { ready: 2, wanted: 2 },
            cells: { running: 1 },
          },
        ],
      ]);
      const { stdout } = await nodeless('doctor', '-o', 'json');
      const findings = JSON.parse(stdout) as readonly { check: string; outcome: string; detail: string }[];
      const wrong = findings.filter(({ outcome }) => outcome !== 'ok');
      expect(
        wrong.map(({ check }) => check),
        JSON.stringify(wrong),
      ).toEqual(['logs', 'CNI']);
    },
    PATIENCE_MS,
  );

  test(
    'the doctor names the verb and resource that the provider lacks, and a webhook that nobody answers',
    async () => {
      await kubectl('scale', 'deployment/nodeless-nodeless', '-n', NAMESPACE, '--replicas=0');
      await kubectl('delete', 'role', 'nodeless:nodeless', 'nodeless:nodeless:cells', '-n', NAMESPACE);
      await eventually('no replica is there', async () => (await replicas()).length === 0);
      const { exitCode, stdout } = await nodeless('doctor');
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/✗ permissions .* may not create secrets in nodeless-system/);
      expect(stdout).toMatch(
        /✗ permissions .* patch endpointslices.discovery.k8s.io nodeless-cells-nodeless in nodeless-/,
      );
      expect(stdout).toMatch(/✗ webhooks .* does not reach them/);
      expect(stdout).toContain('→ run nodeless install of this version');
      expect((await nodeless('install', '--image', DEFAULT_REFERENCE, '--config', configFile)).exitCode).toBe(0);
    },
    PATIENCE_MS,
  );

  test(
    'adds a virtual node of the same image and configuration, which goes alone',
    async () => {
      const { exitCode, all } = await nodeless('register', 'second');
      expect([exitCode, all]).toEqual([0, expect.stringContaining('node second Ready')]);
      const gone = await nodeless('uninstall', '--virtual-node', 'second', '--yes');
      expect([gone.exitCode, gone.all]).toEqual([0, expect.stringContaining('virtual node second is uninstalled')]);
      expect((await ours()).filter((name) => name.includes('second'))).toEqual([]);
      await kubectl('wait', 'node/nodeless', '--for=condition=Ready', '--timeout=5s');
    },
    PATIENCE_MS,
  );
});

describe('nodeless uninstall', () => {
  test(
    'says what it will do, and does nothing where nobody agrees',
    async () => {
      await apply(deployment('staying', 2));
      await kubectl('rollout', 'status', 'deployment/staying', '--timeout=60s');
      const { stdout } = await nodeless('uninstall', '--dry-run');
      expect(stdout).toContain('virtual node nodeless: 2 pods will be evicted, 2 cells will end');
      const { exitCode, all } = await nodeless('uninstall');
      expect([exitCode, all]).toEqual([1, expect.stringContaining('say --yes')]);
      await kubectl('get', 'node', 'nodeless');
    },
    PATIENCE_MS,
  );

  test(
    'one that a disruption budget holds up says so, and the next one finishes it: pods elsewhere, and nothing left',
    async () => {
      const selector = { matchLabels: { app: 'staying' } };
      const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'staying' } };
      await apply({ ...budget, spec: { maxUnavailable: 0, selector } });
      const first = await nodeless('uninstall', '--yes', '--timeout', '3s');
      expect([first.exitCode, first.all]).toEqual([
        1,
        expect.stringMatching(/2 pods are still to go: default\/staying-.*NotReady/s),
      ]);
      await kubectl('delete', 'pdb', 'staying');
      const { exitCode, all } = await nodeless('uninstall', '--yes');
      expect([exitCode, all]).toEqual([0, expect.stringContaining('virtual node nodeless is uninstalled')]);
      await kubectl('rollout', 'status', 'deployment/staying', '--timeout=60s');
      const nodes = await kubectl('get', 'pods', '-l', 'app=staying', '-o', 'jsonpath={.items[*].spec.nodeName}');
      expect(new Set(nodes.split(' '))).toEqual(new Set([REGULAR_NODE]));
      // What the Service owned goes with the garbage collector's next round.
      await expect.poll(ours, { interval: 1_000, timeout: 60_000 }).toEqual([]);
      const again = await nodeless('uninstall', '--yes');
      expect([again.exitCode, again.all]).toEqual([1, expect.stringContaining('there is no virtual node nodeless')]);
    },
    PATIENCE_MS,
  );
});
