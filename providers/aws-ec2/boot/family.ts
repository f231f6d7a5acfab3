import type { CellClassSpec } from '../../../src/core/cell-class.ts';
import { NodelessError } from '../../../src/core/errors.ts';

/** What images have in common that are booted alike. */
export interface ImageFamily {
  readonly form: 'script' | 'cloud-config';
  readonly sandboxImage: string;
  readonly disabledServices: readonly string[];
}

/**
 * EKS' optimized Amazon Linux 2023. Its nodeadm would make a node of the machine that nobody knows; the image that holds
 * pods' namespaces is in it under this name, and in no registry.
 */
const AL2023: ImageFamily = {
  form: 'script',
  sandboxImage: 'localhost/kubernetes/pause',
  disabledServices: ['nodeadm-config', 'nodeadm-run'],
};

/** Any other image that cloud-init configures: Ubuntu, or one's own. */
const CLOUD_INIT: ImageFamily = {
  form: 'cloud-config',
  sandboxImage: 'registry.k8s.io/pause:3.10.1',
  disabledServices: [],
};

/** How the images of a class are booted. @throws NodelessError InvalidConfig for a family that can't be a cell's */
export function familyOf({ image }: Pick<CellClassSpec, 'image'>): ImageFamily {
  if (image?.family === 'bottlerocket') {
    const message =
      'Bottlerocket can not be a cell yet: its kubelet registers a Node and speaks protobuf; use family al2023';
    throw new NodelessError({ code: 'InvalidConfig', message });
  }
  return image === undefined || image.family === 'al2023' ? AL2023 : CLOUD_INIT;
}

const AL2023_ARCH: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'arm64' };

/** Where AWS tells the newest image of Amazon Linux 2023 for a Kubernetes minor version such as `1.34`. */
export function al2023Parameter(kubernetesMinor: string, arch: string): string {
  const name = `/aws/service/eks/optimized-ami/${kubernetesMinor}/amazon-linux-2023`;
  return `${name}/${AL2023_ARCH[arch] ?? arch}/standard/recommended/image_id`;
}
