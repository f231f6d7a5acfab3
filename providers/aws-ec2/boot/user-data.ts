import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import type { CellBootstrap } from '../../../src/core/cell.ts';
import type { CellClass } from '../../../src/core/cell-class.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { CELL_FOLDER, cellFiles } from './cell-files.ts';
import type { ImageFamily } from './family.ts';
import { identityScript } from './identity-script.ts';
import { machineScript, type PinnedArchive } from './machine-script.ts';
import { serviceFiles } from './services.ts';

export interface UserDataParts {
  readonly family: ImageFamily;
  readonly region: string;
  readonly clusterUid: string;
  readonly bootstrap: CellBootstrap;
  readonly cellClass: CellClass;
  /** Instead of the family's. */
  readonly sandboxImage?: string | undefined;
  readonly kubeProxyImage: string;
  readonly cniPlugins: PinnedArchive;
  readonly podAddresses: number;
}

/** What EC2 takes, before it is encoded. */
const MAX_BYTES = 16 * 1024;

/** cloud-init's own form, which other parts of an image's configuration can be merged with. */
function cloudConfig(script: string): string {
  const path = `${CELL_FOLDER}/machine.sh`;
  const config = { write_files: [{ path, permissions: '0700', content: script }], runcmd: [['sh', path]] };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

/** What a machine is told at its first start; equal parts give equal text, and so one launch template. */
export function userDataText(parts: UserDataParts): string {
  const { family, region, clusterUid, bootstrap, cellClass, sandboxImage = family.sandboxImage } = parts;
  const { nodeName } = bootstrap;
  const files = {
    ...cellFiles({ bootstrap, cellClass, sandboxImage, podAddresses: parts.podAddresses }),
    [`${CELL_FOLDER}/identity.sh`]: identityScript({ region, clusterUid }).trimEnd(),
    ...serviceFiles({ nodeName, kubeProxyImage: parts.kubeProxyImage }),
  };
  const script = machineScript({
    files,
    cniPlugins: parts.cniPlugins,
    disabledServices: family.disabledServices,
    userData: cellClass.spec.userData,
  });
  return family.form === 'script' ? script : cloudConfig(script);
}

/**
 * The same as EC2 takes it: compressed, which cloud-init undoes, only where it is too long as it is.
 * @throws NodelessError InvalidConfig where it is too long either way
 */
export function userData(parts: UserDataParts): Uint8Array {
  const { cellClass } = parts;
  const text = Buffer.from(userDataText(parts));
  if (text.length <= MAX_BYTES) return text;
  const compressed = gzipSync(text, { level: 9 });
  if (compressed.length <= MAX_BYTES) return compressed;
  throw new NodelessError({
    code: 'InvalidConfig',
    message: `CellClass ${cellClass.name} makes ${compressed.length} bytes of user data, compressed, and EC2 takes ${MAX_BYTES}; shorten its userData, or bake it into an image`,
    identity: { cellClass: cellClass.name },
  });
}
