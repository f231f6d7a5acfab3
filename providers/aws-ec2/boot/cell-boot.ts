import { NodelessError } from '../../../src/core/errors.ts';
import type { Attestation, BootstrapEvidence, LaunchRequest } from '../../contract.ts';
import type { BootImage, CellBoot } from '../boot.ts';
import type { Attestor } from '../identity/attestor.ts';
import type { Owner } from '../options.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { al2023Parameter, familyOf } from './family.ts';
import type { Images, MachineImage } from './images.ts';
import { userData } from './user-data.ts';

export interface Ec2BootOptions {
  readonly settings: AwsEc2Settings;
  readonly owner: Owner;
  /** Of the cells' kubelets, such as `1.34`. */
  readonly kubernetesMinor: string;
  readonly images: Images;
  readonly attestor: Attestor;
}

type ImageRequest = Omit<LaunchRequest, 'tags'>;

function noRole(cellClass: string): NodelessError {
  const message =
    'cells prove which they are by the role of their instance profile, and have none; ' +
    `set awsEc2.instanceProfile, or instanceProfile of CellClass ${cellClass}`;
  return new NodelessError({ code: 'InvalidConfig', message, identity: { cellClass } });
}

/** Machines that become cells by what cloud-init runs, and prove themselves by their role. */
export class Ec2Boot implements CellBoot {
  readonly #options: Ec2BootOptions;

  constructor(options: Ec2BootOptions) {
    this.#options = options;
  }

  async image(request: ImageRequest, signal: AbortSignal): Promise<BootImage> {
    const { settings, owner } = this.#options;
    const { cellClass, bootstrap, offering } = request;
    const profile = cellClass.spec.instanceProfile ?? this.#options.settings.instanceProfile;
    if (profile === undefined) throw noRole(cellClass.name);
    const family = familyOf(cellClass.spec);
    const image = await this.#machineImage(request, signal);
    const { region, kubeProxyImage, podAddresses, sandboxImage } = settings;
    const text = userData({
      ...{ family, region, kubeProxyImage, podAddresses, sandboxImage, bootstrap, cellClass },
      clusterUid: owner.clusterUid,
      cniPlugins: offering.arch === 'arm64' ? settings.cniPlugins.arm64 : settings.cniPlugins.amd64,
    });
    return { ...image, userData: text };
  }

  attest(evidence: BootstrapEvidence, signal: AbortSignal): Promise<Attestation> {
    return this.#options.attestor.attest(evidence, signal);
  }

  #machineImage({ cellClass, offering }: ImageRequest, signal: AbortSignal): Promise<MachineImage> {
    const { images, kubernetesMinor } = this.#options;
    const { image } = cellClass.spec;
    const { arch } = offering;
    if (image?.id !== undefined) return images.byId(image.id, arch, signal);
    return images.byParameter(image?.ssmAlias ?? al2023Parameter(kubernetesMinor, arch), arch, signal);
  }
}
