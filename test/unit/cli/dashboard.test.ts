import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import dashboard from '../../../dashboards/nodeless.json' with { type: 'json' };
import { Grafana, type GrafanaLogin, plainTextWarning } from '../../../src/cli/dashboard/grafana.ts';
import { dashboardCommand } from '../../../src/cli/dashboard-command.ts';
import { readGrafanaLogin } from '../../../src/config/environment.ts';

interface Import {
  readonly dashboard: { readonly id: unknown; readonly uid: string; readonly panels: readonly unknown[] };
  readonly folderUid: string;
  readonly overwrite: boolean;
}

describe('the import of the dashboard', () => {
  const { signal } = new AbortController();
  const TOKEN: GrafanaLogin = { token: 'glsa_good' };
  let app: FastifyInstance;
  let url: URL;
  let imports: Import[];
  let folders: { uid: string; title: string }[];

  /** What Grafana's API does of it, below a path as behind a proxy. */
  beforeEach(async () => {
    imports = [];
    folders = [{ uid: 'f-other', title: 'Other' }];
    app = fastify();
    app.addHook('onRequest', async ({ headers }, reply) => {
      const known = ['Bearer glsa_good', `Basic ${Buffer.from('admin:secret').toString('base64')}`];
      if (headers.authorization === 'Bearer glsa_viewer') return reply.code(403).send({ message: 'Permission denied' });
      if (!known.includes(headers.authorization ?? '')) return reply.code(401).send({ message: 'Invalid API key' });
    });
    app.get('/grafana/api/folders', async () => folders);
    app.post('/grafana/api/folders', async ({ body }) => {
      const { title } = body as { title: string };
      const made = { uid: `f-${title}`, title };
      folders.push(made);
      return made;
    });
    app.post('/grafana/api/dashboards/db', async ({ body }, reply) => {
      const asked = body as Import;
      const isThere = imports.some((one) => one.dashboard.uid === asked.dashboard.uid);
      if (isThere && !asked.overwrite)
        return reply
          .code(412)
          .send({ message: 'The dashboard has been changed by someone else', status: 'version-mismatch' });
      imports.push(asked);
      return { url: `/grafana/d/${asked.dashboard.uid}/nodeless`, status: 'success', uid: asked.dashboard.uid };
    });
    url = new URL('grafana', await app.listen({ host: '127.0.0.1', port: 0 }));
  });

  afterEach(async () => app.close());

  const bring = (login: GrafanaLogin, into: { folder?: string; overwrite?: boolean } = {}, at = url) =>
    new Grafana({ url: at, login, signal }).import(dashboard, { overwrite: false, ...into });

  test.each<readonly [string, GrafanaLogin]>([
    ['a token', TOKEN],
    ['a user', { user: 'admin', password: 'secret' }],
  ])('with %s brings the whole dashboard, as a new one, and says where it is', async (_title, login) => {
    expect((await bring(login)).pathname).toBe('/grafana/d/nodeless/nodeless');
    expect(imports).toEqual([
      { dashboard: { ...dashboard, id: null }, folderUid: '', overwrite: false, message: 'nodeless' },
    ]);
  });

  test('makes the folder once', async () => {
    await bring(TOKEN, { folder: 'Kubernetes' });
    await bring(TOKEN, { folder: 'Kubernetes', overwrite: true });
    expect(imports.map(({ folderUid }) => folderUid)).toEqual(['f-Kubernetes', 'f-Kubernetes']);
    expect(folders).toHaveLength(2);
  });

  test('replaces another version only when told to', async () => {
    await bring(TOKEN);
    await expect(bring(TOKEN)).rejects.toMatchObject({ code: 'InvalidConfig', message: /--overwrite/ });
    await bring(TOKEN, { overwrite: true });
    expect(imports).toHaveLength(2);
  });

  test.each<readonly [string, GrafanaLogin, string, RegExp]>([
    ['a wrong token', { token: 'glsa_bad' }, 'Unauthenticated', /GRAFANA_TOKEN/],
    ['a token that may only look', { token: 'glsa_viewer' }, 'Unauthorized', /Editor/],
  ])('with %s says what mends it, and not the token', async (_title, login, code, words) => {
    const failure = await bring(login).catch((error) => error);
    expect(failure).toMatchObject({ code, message: words });
    expect(JSON.stringify(failure) + failure.message).not.toContain('glsa_');
    expect(imports).toEqual([]);
  });

  test('at an address without a Grafana says so', async () => {
    await expect(bring(TOKEN, {}, new URL('/other', url))).rejects.toMatchObject({
      message: /no Grafana at this address/,
    });
    await app.close();
    await expect(bring(TOKEN)).rejects.toMatchObject({ code: 'InvalidConfig', message: /does not answer at/ });
  });

  test('knows who asks from the environment: a token first', () => {
    const user = { GRAFANA_USER: 'admin', GRAFANA_PASSWORD: 'secret' };
    expect(readGrafanaLogin({ ...user, GRAFANA_TOKEN: 'glsa_good' })).toEqual(TOKEN);
    expect(readGrafanaLogin(user)).toEqual({ user: 'admin', password: 'secret' });
    expect(readGrafanaLogin({ GRAFANA_USER: 'admin' })).toBeUndefined();
  });

  test.each([
    ['http://grafana.example.com', true],
    ['http://10.0.0.1:3000/grafana', true],
    ['http://127.0.0.1.example.com', true],
    ['http://localhost.example.com', true],
    ['https://grafana.example.com', false],
    ['http://localhost:3000', false],
    ['http://grafana.localhost', false],
    ['http://127.0.0.1:3000', false],
    ['http://127.1.2.3', false],
    ['http://[::1]:3000', false],
    ['http://[::ffff:127.0.0.1]:3000', false],
  ])('to %s warns of plain text: %s', (address, warns) => {
    const told = plainTextWarning(new URL(address), TOKEN);
    expect(told !== undefined).toBe(warns);
    if (warns) expect(told).toMatch(/^GRAFANA_TOKEN goes to http:.*use https/);
    expect(told ?? '').not.toContain('glsa_');
  });

  test('over plain http warns once, on the standard error', async () => {
    vi.stubEnv('GRAFANA_TOKEN', '');
    vi.stubEnv('GRAFANA_USER', 'admin');
    vi.stubEnv('GRAFANA_PASSWORD', 'secret');
    const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const run = (host: string) => {
        const at = `http://${host}:${url.port}/grafana`;
        return dashboardCommand().parseAsync(['import', '--overwrite', '--folder', 'K', '--grafana', at], {
          from: 'user',
        });
      };
      await run('localhost');
      expect(errors).not.toHaveBeenCalled();
      // This machine, by an address that is no loopback one.
      await run('0.0.0.0');
      expect(errors.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringMatching(/^GRAFANA_PASSWORD goes to http:\/\/0\.0\.0\.0:\d+ as plain text/),
      ]);
    } finally {
      vi.unstubAllEnvs();
      errors.mockRestore();
      out.mockRestore();
    }
  });
});
