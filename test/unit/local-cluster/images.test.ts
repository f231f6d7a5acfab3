import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { dockerArchive, type ImageSpec } from '../../../src/local-cluster/images/archive.ts';
import { AGNHOST_IMAGE, imageCatalog, PAUSE_IMAGE } from '../../../src/local-cluster/images/catalog.ts';
import { completeTree, directory, file, symlink } from '../../../src/local-cluster/images/entry.ts';
import { archiveName } from '../../../src/local-cluster/images/prepare.ts';
import { librariesOf } from '../../../src/local-cluster/images/shared-libraries.ts';

const spec: ImageSpec = {
  reference: 'nodeless.local/test:1',
  config: { entrypoint: ['/a'], cmd: ['b'], user: '7', exposedPorts: ['80/tcp'] },
  layers: [[file('usr/bin/a', 'first', 0o4755), directory('tmp', 0o1777)], [symlink('a', 'usr/bin/a')]],
};

async function unpack(tar: Buffer) {
  const found = new Map<string, { content: Buffer; mode: number; type: string; linkname: string; mtimeMs: number }>();
  const entries = extract();
  Readable.from([tar]).pipe(entries);
  for await (const entry of entries) {
    const { name, mode = 0, type, linkname, mtime } = entry.header;
    const details = { mode, type: String(type), linkname: linkname ?? '', mtimeMs: mtime?.getTime() ?? -1 };
    found.set(name, { ...details, content: await buffer(entry) });
  }
  return found;
}

const inputs = {
  busybox: Buffer.from('busybox'),
  applets: ['bin/ls', 'usr/bin/wget', 'bin/sh', 'bin/busybox'],
  bash: Buffer.from('bash'),
  pause: Buffer.from('pause'),
  agnhost: Buffer.from('agnhost'),
  nnp: Buffer.from('nnp'),
  networkTools: [file('usr/bin/curl', 'curl', 0o755)],
  dnsTools: [file('usr/bin/dig', 'dig', 0o755)],
  porterCertificate: Buffer.from('crt'),
  porterKey: Buffer.from('key'),
};

describe('docker archives', () => {
  it('are the same bytes for the same input', async () => {
    expect((await dockerArchive(spec)).equals(await dockerArchive(structuredClone(spec)))).toBe(true);
  });

  it('name each layer by its own digest, and the configuration tells of the same ones', async () => {
    const archive = await unpack(await dockerArchive(spec));
    const [manifest] = JSON.parse(String(archive.get('manifest.json')?.content));
    expect(manifest.RepoTags).toEqual(['nodeless.local/test:1']);
    const config = JSON.parse(String(archive.get(manifest.Config)?.content));
    const digests = manifest.Layers.map((name: string) => {
      const content = archive.get(name)?.content ?? Buffer.alloc(0);
      return createHash('sha256').update(content).digest('hex');
    });
    expect(manifest.Layers).toEqual(digests.map((digest: string) => `${digest}/layer.tar`));
    expect(config.rootfs.diff_ids).toEqual(digests.map((digest: string) => `sha256:${digest}`));
    expect(config.config).toMatchObject({ Entrypoint: ['/a'], Cmd: ['b'], User: '7', ExposedPorts: { '80/tcp': {} } });
  });

  it('keep special modes, links and the epoch in their layers', async () => {
    const archive = await unpack(await dockerArchive(spec));
    const [manifest] = JSON.parse(String(archive.get('manifest.json')?.content));
    const lower = await unpack(archive.get(manifest.Layers[0])?.content ?? Buffer.alloc(0));
    const upper = await unpack(archive.get(manifest.Layers[1])?.content ?? Buffer.alloc(0));
    expect(lower.get('usr/bin/a')).toMatchObject({ mode: 0o4755, mtimeMs: 0 });
    expect(lower.get('tmp')).toMatchObject({ mode: 0o1777, type: 'directory' });
    expect(upper.get('a')).toMatchObject({ type: 'symlink', linkname: 'usr/bin/a' });
  });
});

describe('trees', () => {
  it('have every parent before its children, and each path once', () => {
    const tree = completeTree([file('b/c/d', '1'), file('a', 'old'), file('a', 'new')]);
    expect(tree.map((entry) => entry.path)).toEqual(['a', 'b', 'b/c', 'b/c/d']);
    expect(tree[0]).toMatchObject({ content: Buffer.from('new') });
  });
});

describe('the catalogue', () => {
  const catalog = imageCatalog(inputs);
  const find = (reference: string) => {
    const found = catalog.find((image) => image.reference === reference);
    if (found === undefined) throw new Error(`${reference} is not in the catalogue`);
    return found;
  };

  it('gives every image with a shell bash as /bin/sh, which keeps variables with dashes', () => {
    const [base = []] = find(AGNHOST_IMAGE).layers;
    const tree = new Map(completeTree(base).map((entry) => [entry.path, entry]));
    expect(tree.get('bin/sh')).toMatchObject({ kind: 'symlink', target: 'bash' });
    expect(tree.get('bin/wget')).toMatchObject({ target: 'busybox' });
    expect(tree.get('usr/bin/wget')).toMatchObject({ target: '/bin/busybox' });
    expect(tree.get('bin/busybox')).toMatchObject({ kind: 'file' });
  });

  it('gives agnhost its entrypoint, its second name, and the user that the group specs look for', () => {
    const agnhost = find(AGNHOST_IMAGE);
    const tree = new Map(completeTree(agnhost.layers.flat()).map((entry) => [entry.path, entry]));
    expect(agnhost.config).toMatchObject({ entrypoint: ['/agnhost'], cmd: ['pause'] });
    expect(tree.get('agnhost-2')).toMatchObject({ target: 'agnhost' });
    const group = tree.get('etc/group');
    expect(group?.kind === 'file' && String(group.content)).toContain('group-defined-in-image:x:50000:user-defined');
  });

  it('keeps pause to one file', () => {
    expect(
      find(PAUSE_IMAGE)
        .layers.flat()
        .map((entry) => entry.path),
    ).toEqual(['pause']);
  });

  it('names the archives by image and tag', () => {
    expect(archiveName(AGNHOST_IMAGE)).toBe('agnhost-2.56.tar');
  });
});

describe('shared libraries', () => {
  it('are the paths that ldd resolves, with the loader and without the kernel', () => {
    const output = `\tlinux-vdso.so.1 (0x00007ffc)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f00)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f01)
`;
    expect(librariesOf(output)).toEqual(['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2']);
  });
});
