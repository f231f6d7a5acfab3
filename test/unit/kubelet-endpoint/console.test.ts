import { afterEach, describe, expect, test } from 'vitest';
import { NodelessError } from '../../../src/core/errors.ts';
import type { KubeletEndpointOptions } from '../../../src/kubelet-endpoint/server.ts';
import { createRig, type Rig } from './support/rig.ts';

const PATH = '/logs/console/cell-1';
let rig: Rig;
afterEach(() => rig.close());

async function asked(consoleOf?: KubeletEndpointOptions['consoleOf'], path = PATH) {
  rig = await createRig(consoleOf === undefined ? {} : { consoleOf });
  const { status, body } = await rig.get(path);
  return [status, body];
}

function failing(code: 'NotFound' | 'Unauthorized') {
  return async () => {
    throw new NodelessError({ code, message: `it is ${code}` });
  };
}

describe('the console of a cell', () => {
  test('is what its machine has written, and does nothing to the terminal that shows it', async () => {
    const written = 'one\r\n\u001b[31mtwo\u001b[0m\u001b]0;title\u0007\tthree\u0000\n';
    const ids: string[] = [];
    const answer = await asked(async (cellId) => {
      ids.push(cellId);
      return written;
    });
    expect(answer).toEqual([200, 'one\ntwo\tthree\n']);
    expect(ids).toEqual(['cell-1']);
  });

  test('is for nobody who may not read the node’s logs', async () => {
    const reads: string[] = [];
    rig = await createRig({ consoleOf: async (cellId) => String(reads.push(cellId)) });
    rig.api.tokens.set('t', { username: 'u', groups: [] });
    rig.api.allowed.add('u get metrics');
    const options = { cert: '', key: '', headers: { authorization: 'Bearer t' } };
    expect((await rig.get(PATH, options)).status).toBe(403);
    expect((await rig.get(PATH, { cert: '', key: '' })).status).toBe(401);
    expect((await rig.get(PATH, { method: 'POST' })).status).toBe(405);
    expect(reads).toEqual([]);
  });

  test.each([
    ['there is no such cell', failing('NotFound'), [400, 'it is NotFound\n']],
    ['the cloud refuses', failing('Unauthorized'), [502, 'it is Unauthorized\n']],
    ['the provider shows none', undefined, [501, 'the provider of this virtual node shows no consoles\n']],
  ])(
    'is told in words not to be had where %s, in a status that the API server passes on',
    async (_, source, answer) => {
      expect(await asked(source)).toEqual(answer);
    },
  );

  test('is the only log of the system', async () => {
    const [status, body] = await asked(async () => '', '/logs/syslog');
    expect([status, body]).toEqual([404, 'a virtual node has no system logs but /logs/console/CELL\n']);
  });
});
