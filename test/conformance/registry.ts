import { writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { enterCommand } from '../../src/local-cluster/network/names.ts';
import { startComponent, waitForComponent } from '../../src/local-cluster/processes/component.ts';
import { run } from '../../src/local-cluster/processes/run.ts';
import type { Progress } from '../../src/local-cluster/progress.ts';
import { ensureSystemPrograms } from '../../src/local-cluster/system-packages.ts';
import type { LocalCluster } from '../../src/local-cluster/up.ts';
import { suiteImages } from './suite-images.ts';

const PROGRAMS = [
  { program: 'docker-registry', debianPackage: 'docker-registry' },
  { program: 'skopeo', debianPackage: 'skopeo' },
];
const PORT = 5000;
const READY_TIMEOUT_MS = 20_000;
const PUSH_TIMEOUT_MS = 120_000;

function isListening(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket();
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
    socket.setTimeout(1_000, () => end(false)).connect(PORT, host);
  });
}

/**
 * Starts a real registry in the cluster's namespace with the cluster's images in it, so that specs can pull.
 * Resolves with its URL, for `local.registryMirror`. It ends with the cluster.
 */
export async function startRegistry(cluster: LocalCluster, progress: Progress, signal: AbortSignal): Promise<string> {
  const { paths, address } = cluster;
  const images = [...cluster.images, ...(await suiteImages(progress, signal))];
  await ensureSystemPrograms({ progress, signal, programs: PROGRAMS });
  const file = join(paths.configDir, 'registry.yaml');
  const storage = { filesystem: { rootdirectory: join(paths.stateDir, 'registry') } };
  await writeFile(file, stringify({ version: 0.1, log: { level: 'warn' }, storage, http: { addr: `:${PORT}` } }));
  await startComponent(paths, 'registry', ['docker-registry', 'serve', file]);
  const check = () => isListening(address);
  await waitForComponent(paths, 'registry', { check, timeoutMs: READY_TIMEOUT_MS, signal });
  for (const { reference, path } of images) {
    progress({ step: 'registry', detail: `pushing ${reference}` });
    const [, ...repository] = reference.split('/');
    const target = `docker://127.0.0.1:${PORT}/${repository.join('/')}`;
    const copy = [
      'skopeo',
      '--insecure-policy',
      'copy',
      '-q',
      '--dest-tls-verify=false',
      `docker-archive:${path}`,
      target,
    ];
    await run([...enterCommand(paths.namespace), ...copy], { signal, timeoutMs: PUSH_TIMEOUT_MS });
  }
  return `http://${address}:${PORT}`;
}
