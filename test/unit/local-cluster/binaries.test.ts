import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../src/config/environment.ts';
import { artifactOf, officialUrl } from '../../../src/local-cluster/binaries/artifacts.ts';
import { goArguments } from '../../../src/local-cluster/binaries/compile.ts';
import {
  candidatePaths,
  compiledFolder,
  downloadFolder,
  firstExecutable,
  programFolders,
} from '../../../src/local-cluster/binaries/lookup.ts';
import { obtainPrograms } from '../../../src/local-cluster/binaries/obtain.ts';
import { noProgress } from '../../../src/local-cluster/progress.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nodeless-binaries-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function program(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
}

function environment(path = '/nowhere') {
  return { assetsFolder: join(root, 'assets'), cacheFolder: join(root, 'cache'), path };
}

describe('looking a program up', () => {
  it('prefers KUBEBUILDER_ASSETS, then what was compiled, then what was downloaded', async () => {
    const folders = programFolders(environment());
    const artifact = artifactOf('kubelet');
    const candidates = await candidatePaths('kubelet', folders);
    expect(candidates).toEqual([
      join(root, 'assets', 'kubelet'),
      join(await compiledFolder(artifact, folders), 'kubelet'),
      join(downloadFolder(artifact, folders), 'kubelet'),
    ]);
    const [assets = '', compiled = '', downloaded = ''] = candidates;
    await program(downloaded);
    expect(await firstExecutable(candidates)).toBe(downloaded);
    await program(compiled);
    expect(await firstExecutable(candidates)).toBe(compiled);
    await program(assets);
    expect(await firstExecutable(candidates)).toBe(assets);
  });

  it('passes over a file that may not be executed', async () => {
    await writeFile(join(root, 'plain'), '');
    expect(await firstExecutable([join(root, 'plain')])).toBeUndefined();
  });

  it('keeps what was compiled from other sources apart', async () => {
    const modulesFolder = join(root, 'modules');
    await mkdir(join(modulesFolder, 'pause'), { recursive: true });
    await writeFile(join(modulesFolder, 'pause/main.go'), 'package main');
    const folders = { ...programFolders(environment()), modulesFolder };
    const before = await compiledFolder(artifactOf('pause'), folders);
    await writeFile(join(modulesFolder, 'pause/main.go'), 'package main // changed');
    expect(await compiledFolder(artifactOf('pause'), folders)).not.toBe(before);
  });
});

describe('obtaining a program that is nowhere', () => {
  const signal = new AbortController().signal;

  it('compiles it when the download fails, and does not ask an unreachable host twice', async () => {
    await program(join(root, 'bin/go'));
    const asked: string[] = [];
    const compiled: string[] = [];
    const paths = await obtainPrograms(['kubelet', 'kubectl', 'pause'], {
      progress: noProgress,
      signal,
      environment: environment(join(root, 'bin')),
      download: async (url) => {
        asked.push(url);
        throw new Error('no route to host');
      },
      compile: async ({ artifact, target }) => {
        compiled.push(artifact.name);
        await program(target);
      },
    });
    expect(asked).toHaveLength(1);
    expect(compiled).toEqual(['kubernetes', 'pause']);
    expect(await firstExecutable([paths.kubectl])).toBe(paths.kubectl);
  });

  it('leaves the signal in charge: an aborted call starts nothing', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    const options = { progress: noProgress, signal: aborted, environment: environment() };
    await expect(obtainPrograms(['pause'], options)).rejects.toThrow('enough');
  });
});

describe('compiling', () => {
  it('stamps the version that kubectl and the kubelet report', () => {
    const words = goArguments(artifactOf('kubelet'), '/out').join(' ');
    expect(words).toContain('gitVersion=v1.34.4');
    expect(words).toMatch(/^build .* -o \/out \.$/);
    expect(goArguments(artifactOf('kubelet-1.33'), '/out').join(' ')).toMatch(/gitVersion=v1\.33\.\d+ .*gitMinor=33 /);
  });

  it('makes the suite as a test binary', () => {
    expect(goArguments(artifactOf('e2e.test'), '/out').slice(0, 2)).toEqual(['test', '-c']);
  });

  it('has official downloads only of Kubernetes itself', () => {
    expect(officialUrl('kubelet', 'arm64')).toBe('https://dl.k8s.io/v1.34.4/bin/linux/arm64/kubelet');
    expect(officialUrl('kubelet-1.33', 'arm64')).toMatch(
      /^https:\/\/dl\.k8s\.io\/v1\.33\.\d+\/bin\/linux\/arm64\/kubelet$/,
    );
    expect(officialUrl('coredns', 'arm64')).toBeUndefined();
  });
});

describe('the environment', () => {
  it('prefers XDG_CACHE_HOME, and takes an empty variable for a missing one', () => {
    expect(readEnvironment({ HOME: '/h', XDG_CACHE_HOME: '/x' }).cacheFolder).toBe('/x/nodeless');
    expect(readEnvironment({ HOME: '/h', XDG_CACHE_HOME: '', KUBEBUILDER_ASSETS: '' })).toMatchObject({
      cacheFolder: '/h/.cache/nodeless',
      assetsFolder: undefined,
    });
  });
});
