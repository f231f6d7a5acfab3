import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { accessibility, openBrowser, openPage } from '../support/browser.ts';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { startNodeless } from '../support/nodeless.ts';
import { BUSYBOX_IMAGE, pod, webDeployment } from '../support/objects.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, apply, get, inside, kubeconfig } = toolsOf(CLUSTER);
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);

let browser: Browser;
let command: ReturnType<typeof nodelessUi>;
let url: string;

function nodelessUi(file: string, ...more: readonly string[]) {
  return startNodeless(file, ['ui', '--port', '0', ...more]);
}

/** What a DaemonSet of a cluster's own would be: absorbed. */
function daemonSet(name: string): object {
  const labels = { app: name };
  const { spec } = pod(name) as { spec: object };
  const template = { metadata: { labels }, spec };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template },
  };
}

beforeAll(async () => {
  browser = await openBrowser(progress, signal);
  const running = nodelessUi(kubeconfig);
  command = running;
  const said = await Promise.race([once(running.stdout, 'data'), running]);
  if (!Array.isArray(said)) throw new Error(`nodeless ui has ended: ${said.stderr}`);
  url = /^the page of nodeless is at (http:\S+)\n$/.exec(String(said[0]))?.[1] ?? '';
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser.close();
  command.kill('SIGINT');
  const { exitCode, stderr } = await command;
  expect([exitCode, stderr]).toEqual([0, '']);
  await kubectl('delete', 'deployment/shop', 'pod/seen', 'daemonset/proxy', '--ignore-not-found', '--wait');
  await noMachines(CLUSTER);
});

describe('the page of a cluster', () => {
  test('has the four columns of the talk', async () => {
    await apply(daemonSet('proxy'), webDeployment('shop', 3));
    await kubectl('rollout', 'status', 'deployment/shop', '--timeout=90s');
    const { page, complaints, asked, shoot } = await openPage(browser, url);
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.locator('h2').allTextContents()).toEqual([
      'Nodes',
      'Control plane',
      'Worker node',
      'Cells',
      'Warm pools',
      'Pods that wait for a cell',
      'Last decisions',
    ]);
    const row = (section: string, name: string) => page.locator(`#${section} tr`, { hasText: name });
    await row('nodes', 'cpu').getByText(' of 1024').waitFor();
    await row('control-plane', 'API server').getByText('checks pass').waitFor();
    await row('control-plane', 'etcd').getByText('ready').waitFor();
    await row('control-plane', 'Node nodeless').getByText('Ready', { exact: true }).waitFor();
    await row('workers', 'default/proxy').getByText('absorbed').waitFor();
    const shop = page.locator('#cell-rows tr:not(.detail)', { hasText: 'default/shop-' });
    await expect.poll(() => shop.getByText('running').count()).toBe(3);
    expect(await shop.first().locator('td').allTextContents()).toEqual([
      expect.stringMatching(/^default\/shop-/),
      'running',
      expect.stringMatching(/^local-/),
      'local',
      expect.stringMatching(/^0\.0\d+$/),
      expect.stringMatching(/^\d+\.\d s$/),
    ]);
    await page.locator('#decisions').getByText('is the cheapest offering that fits').first().waitFor();
    await shop.first().getByRole('button').click();
    await shoot('ui');
    expect((await accessibility(page)).wrong).toEqual([]);
    expect([complaints, asked.filter((one) => !one.startsWith(url))]).toEqual([[], []]);
  });

  test('shows a cell as it comes, its start stage by stage, and no more when it has gone', async () => {
    const { page } = await openPage(browser, url);
    await page.getByText('Live', { exact: true }).waitFor();
    const held = { name: 'held', image: BUSYBOX_IMAGE, command: ['sh', '-c', 'until [ -e /go ]; do sleep 0.1; done'] };
    await apply(pod('seen', { spec: { initContainers: [held] } }));
    const row = page.locator('#cell-rows tr:not(.detail)', { hasText: 'default/seen' });
    await row.waitFor();
    await row.getByRole('button').press('Enter');
    const stages = async () => (await page.locator('.detail:visible dt:has(i)').allTextContents()).join(' ');
    await expect.poll(stages, { timeout: 30_000 }).toBe('queue launch boot deliver');
    const letGo = async () => (await tryKubectl('exec', 'seen', '-c', 'held', '--', 'touch', '/go')).exitCode === 0;
    await eventually('its init container is let go', letGo);
    await expect.poll(stages, { timeout: 30_000 }).toBe('queue launch boot deliver start');
    await page.locator('.detail:visible').getByText('is the cheapest offering that fits').waitFor();
    await kubectl('delete', 'pod/seen', '--wait');
    await row.waitFor({ state: 'detached' });
  });

  test('says so when its provider is away, and goes on by itself when it is back', async () => {
    const { page } = await openPage(browser, url);
    await page.getByText('Live', { exact: true }).waitFor();
    await killProvider(CLUSTER);
    await page.getByText('Not connected; trying again').waitFor();
    await startProviderAgain(CLUSTER);
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 60_000 });
    const shop = page.locator('#cell-rows tr:not(.detail)', { hasText: 'default/shop-' });
    await expect.poll(() => shop.getByText('running').count(), { timeout: 30_000 }).toBe(3);
    // Their starts are written on their pods.
    await shop.first().getByRole('button').click();
    await page.locator('.detail:visible dt', { hasText: 'boot' }).waitFor();
  });
});

describe('who may not see the page', () => {
  test('is told what is missing, before a browser is', async () => {
    const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { user: object }[] };
    const [user] = config.users;
    if (user !== undefined) user.user = { token: await kubectl('create', 'token', 'default') };
    const file = join(clusterPaths({ name: CLUSTER }).configDir, 'nobody.yaml');
    await writeFile(file, stringify(config), { mode: 0o600 });
    const { exitCode, stderr } = await nodelessUi(file, '--node', 'nodeless');
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^nodeless: .* 403 .*is forbidden: .*; you need to be allowed to get nodes\/proxy of nodeless;.* \(KubeRequestFailed\)$/,
      ),
    ]);
  });

  test('gets it from the node itself no more than its metrics', async () => {
    const { status } = await get<{ status: { addresses: { type: string; address: string }[] } }>('node', 'nodeless');
    const address = status.addresses.find(({ type }) => type === 'InternalIP')?.address;
    const token = await kubectl('create', 'token', 'default');
    const codeOf = (path: string, ...more: string[]) =>
      inside('curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', ...more, `https://${address}:10250${path}`);
    for (const path of ['/metrics', '/ui', '/ui/', '/ui/events']) {
      expect([path, await codeOf(path), await codeOf(path, '-H', `Authorization: Bearer ${token}`)]).toEqual([
        path,
        '401',
        '403',
      ]);
    }
  });
});
