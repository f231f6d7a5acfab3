import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { readAgentLog } from '../../../src/cli/cells/agent-logs.ts';
import { cellsText, cellText } from '../../../src/cli/cells/cells-text.ts';
import { readConsole } from '../../../src/cli/cells/console.ts';
import { endCells, endQuestion, readCell } from '../../../src/cli/cells/one-cell.ts';
import { print } from '../../../src/cli/cells/print.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';

describe('the table of cells', () => {
  test('says of a price that no list has that it is an estimate', () => {
    const cell = { metadata: { name: 'cell-1' }, status: { pricePerHourUsd: '0.0410', isPriceEstimated: true } };
    expect(cellsText([cell as never], 0)).toContain('0.0410 estimated');
  });

  test('has a row for each, with what is known of it', () => {
    const status = {
      pod: 'ns/web',
      instanceType: 'm7g.large',
      launchType: 'ec2-spot',
      zone: 'a',
      phase: 'running',
      pricePerHourUsd: '0.0410',
    };
    const born = (name: string, at: number) => ({ metadata: { name, creationTimestamp: new Date(at).toISOString() } });
    const cells = [{ ...born('cell-1', 0), status }, born('cell-2', 9_999_000), { metadata: { name: 'cell-3' } }];
    expect(cellsText(cells, 10_000_000).split('\n')).toEqual([
      'CELL    POD     TYPE       LAUNCH    ZONE  PHASE    COST/H  AGE',
      'cell-1  ns/web  m7g.large  ec2-spot  a     running  0.0410  2h',
      'cell-2  -       -          -         -     -        -       1s',
      'cell-3  -       -          -         -     -        -       -',
      '',
    ]);
    expect(cellsText([], 0)).toBe('there are no cells\n');
  });
});

const CELL = {
  metadata: { name: 'cell-1', uid: 'u1', creationTimestamp: '2026-01-01T00:00:00Z' },
  status: {
    pod: 'ns/web and 1 more',
    pods: ['ns/web', 'ns/db'],
    instanceType: 'm7g.large',
    launchType: 'ec2-spot',
    zone: 'a',
    phase: 'running',
    cellClass: 'default',
    addresses: ['10.0.0.1', 'fd00::1'],
    size: '1 cpu, 2Gi',
    pricePerHourUsd: '0.0410',
    phases: { running: '2026-01-01T00:00:31.500Z', requested: '2026-01-01T00:00:00Z', booting: '2026-01-01T00:00:02Z' },
  },
};

describe('cells for people', () => {
  test('a wide table has their addresses, class, pool, size and why they end', () => {
    const [head, row] = cellsText([CELL], Date.parse('2026-01-01T00:01:00Z'), true).split('\n');
    expect(head).toMatch(/AGE +ADDRESS +CLASS +POOL +SIZE +REASON$/);
    expect(row).toMatch(/60s +10\.0\.0\.1, fd00::1 +default +- +1 cpu, 2Gi +-$/);
  });

  test('one is shown with its pods, machine, price and start by phase, in order', () => {
    expect(cellText(CELL, Date.parse('2026-01-01T00:01:00Z')).split('\n')).toEqual([
      'Cell         cell-1',
      'Phase        running',
      'Pods         ns/web, ns/db',
      'Machine      m7g.large (ec2-spot) in a',
      'Addresses    10.0.0.1, fd00::1',
      'For pods     1 cpu, 2Gi',
      'Class        default',
      'Pool         -',
      'Cost         $0.0410 an hour',
      'Age          60s',
      'Phases',
      '  requested  2026-01-01T00:00:00Z',
      '  booting    +2.0 s',
      '  running    +29.5 s',
      '',
    ]);
    expect(cellText({ metadata: { name: 'new' } }, 0)).toContain('Pods       -');
  });

  test('before cells end it is said which pods fail, and only the cell that was shown is ended', async () => {
    const waiting = { metadata: { name: 'cell-2', uid: 'u2' }, status: { pods: [] } };
    expect(endQuestion([CELL, waiting])).toMatch(/^cell-1: ns\/web, ns\/db fail\ncell-2: no pod is on it\n/);
    const seen: KubeRequest[] = [];
    const client = {
      async request(request: KubeRequest) {
        seen.push(request);
        return { status: 200, contentType: '', body: Buffer.from('{}') };
      },
    } as unknown as KubeClient;
    await endCells(client, [CELL]);
    expect(seen).toMatchObject([
      { method: 'DELETE', path: '/apis/nodeless.io/v1alpha1/cells/cell-1', body: { preconditions: { uid: 'u1' } } },
    ]);
  });

  test('one that is not there is told of with what there is', async () => {
    await expect(readCell(api().client, 'cell-9')).rejects.toThrow(
      'there is no cell cell-9; `nodeless cells` lists those that there are',
    );
  });
});

/** An API server that has one cell, one pod on its node, and its log. */
function api(log: { status: number; body: Readable } = { status: 200, body: Readable.from(['a line\n']) }) {
  const seen: KubeRequest[] = [];
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true };
  const spec = { containers: [{ name: 'main' }, { name: 'other' }] };
  const pod = (name: string, more = {}) => ({
    metadata: { name, namespace: 'kube-system', ownerReferences: [owner], ...more },
    spec,
  });
  const items = [pod('agent-old', { deletionTimestamp: 'x' }), pod('agent-new')];
  const cell = { metadata: { name: 'cell-1', labels: { 'nodeless.io/virtual-node': 'vnode' } } };
  const answers: Record<string, object> = {
    '/apis/nodeless.io/v1alpha1/cells/cell-1': cell,
    '/api/v1/namespaces/kube-system/pods': { items },
  };
  const client = {
    async request(request: KubeRequest) {
      seen.push(request);
      const found = answers[request.path];
      const body = Buffer.from(JSON.stringify(found ?? { message: 'not found' }));
      return { status: found === undefined ? 404 : 200, contentType: '', body };
    },
    async stream(request: KubeRequest) {
      seen.push(request);
      return log;
    },
  } as unknown as KubeClient;
  return { client, seen };
}

const QUERY = { cellId: 'cell-1', agent: 'agent', namespace: 'kube-system' };

describe('the log of an agent', () => {
  test('is asked for of the cell’s node, by the name of its DaemonSet', async () => {
    const { client, seen } = api();
    expect(await text(await readAgentLog(client, { ...QUERY, tail: '5', previous: true }))).toBe('a line\n');
    expect(seen.at(-1)).toMatchObject({
      path: '/api/v1/nodes/vnode/proxy/containerLogs/kube-system/agent-new/main',
      query: { cell: 'cell-1', tailLines: '5', previous: 'true' },
      accept: '*/*',
    });
    expect(seen[1]?.query).toEqual({ fieldSelector: 'spec.nodeName=vnode' });
  });

  test.each([
    ['a cell that is not there', { cellId: 'cell-2' }, /there is no cell cell-2; `nodeless cells` lists/],
    ['an agent that is not there', { agent: 'other' }, /no pod on node vnode is other, or of a DaemonSet of that name/],
    ['a container that is not there', { container: 'x' }, /has no container x; it has main, other/],
  ])('of %s is refused with what to do', async (_, more, message) => {
    await expect(readAgentLog(api().client, { ...QUERY, ...more })).rejects.toThrow(message);
  });

  test('that the cell does not give is told in its words', async () => {
    const { client } = api({
      status: 400,
      body: Readable.from([Buffer.from('agent kube-system/agent-new is not on cell-1\n')]),
    });
    await expect(readAgentLog(client, QUERY)).rejects.toThrow('(400): agent kube-system/agent-new is not on cell-1');
  });

  test('that is followed comes line by line, however long it is silent, until it ends', async () => {
    const lines = new PassThrough();
    const { client, seen } = api({ status: 200, body: lines });
    const output = new PassThrough();
    const printed = print(await readAgentLog(client, { ...QUERY, follow: true }), output);
    expect(seen.at(-1)).toMatchObject({ query: { cell: 'cell-1', follow: 'true' }, idleTimeoutMs: 0 });
    for (const line of ['one\n', 'two\n']) {
      lines.write(line);
      expect(String((await once(output, 'data'))[0])).toBe(line);
    }
    lines.end();
    await printed;
    expect(output.writable).toBe(true);
  });

  test('ends without a word where its reader has had enough, and with one where the cell cuts it off', async () => {
    const enough = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    await print(Readable.from(['a line\n']), enough);
    const cut = new PassThrough();
    const printed = print(cut, new PassThrough());
    cut.destroy(new Error('the cell is gone'));
    await expect(printed).rejects.toThrow('the cell is gone');
  });
});

describe('the console of a cell', () => {
  test('is asked for of its node, whose word on what is wrong is passed on', async () => {
    const { client, seen } = api();
    expect(await text(await readConsole(client, 'cell-1'))).toBe('a line\n');
    expect(seen.at(-1)).toMatchObject({ path: '/api/v1/nodes/vnode/proxy/logs/console/cell-1' });
    await expect(readConsole(client, 'cell-2')).rejects.toMatchObject({ code: 'NotFound' });
    const none = api({ status: 501, body: Readable.from([Buffer.from('the provider shows no consoles\n')]) });
    await expect(readConsole(none.client, 'cell-1')).rejects.toThrow('(501): the provider shows no consoles');
  });
});
