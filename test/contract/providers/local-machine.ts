import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { LocalPrograms } from '../../../providers/local/options.ts';

/** Where local clusters keep programs and images, and unpacked ones too. */
export const CACHE = process.env.NODELESS_CACHE ?? join(homedir(), '.cache/nodeless');

/** The last folder in the cache whose name begins so. */
function cached(prefix: string): string | undefined {
  if (!existsSync(CACHE)) return undefined;
  const [found] = readdirSync(CACHE)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .reverse();
  return found === undefined ? undefined : join(CACHE, found);
}

/** Programs of local cells on this machine. */
export function localPrograms(): LocalPrograms {
  const assets = process.env.KUBEBUILDER_ASSETS ?? cached('kubernetes-') ?? '/usr/local/bin';
  return { kubelet: join(assets, 'kubelet'), containerd: '/usr/bin/containerd', cniBinDir: '/usr/lib/cni' };
}

/** The folder of image archives that a local cluster has made, if one has. */
export function localImages(): string | undefined {
  return cached('images-');
}

/** Why local cells can't run here, in one line; undefined when they can. */
export function whyNoLocalCells(): string | undefined {
  if (process.platform !== 'linux') return 'local cells need Linux';
  if (process.getuid?.() !== 0) return 'local cells need root';
  const { kubelet, containerd, cniBinDir } = localPrograms();
  const missing = [kubelet, containerd, cniBinDir].filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `local cells need ${missing.join(', ')}`;
}
