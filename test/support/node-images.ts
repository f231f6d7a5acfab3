import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parseIdentity } from '../../providers/local/machine/process-identity.ts';
import { regularNodeDirectory } from '../../src/local-cluster/regular-node.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';

const IMPORT_TIMEOUT_MS = 180_000;

/** Brings an image's archive to a local cluster's regular node while it runs. */
export async function importToRegularNode(paths: ClusterPaths, archive: string): Promise<void> {
  const { pid } = parseIdentity(await readFile(join(regularNodeDirectory(paths), 'supervisor'), 'utf8'));
  const ctr = ['ctr', '-n', 'k8s.io', 'images', 'import', archive];
  await execa('nsenter', ['-t', String(pid), '--all', ...ctr], { timeout: IMPORT_TIMEOUT_MS, stdin: 'ignore' });
}
