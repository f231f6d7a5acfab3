import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError, NodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { Refreshed } from '../catalogue/refreshed.ts';

export interface ImagesOptions {
  readonly client: AwsClient;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of a parameter that can't be read again, once for each time in which it can't. */
  readonly onFailure: (parameter: string, error: unknown) => void;
}

/** A machine image. */
export interface MachineImage {
  readonly imageId: string;
  /** Name of its root device, such as `/dev/xvda`. */
  readonly rootDevice: string;
}

/** Images change with patches, every week or so. */
const RENEW_MS = 3_600_000;
/** More than all classes of a cluster name. */
const MAX_KNOWN = 200;
const IMAGE_ID = /^ami-[0-9a-z]{4,17}$/;
/** By EC2's name of it. */
const ARCH: Readonly<Record<string, string>> = { x86_64: 'amd64', arm64: 'arm64' };

interface DescribedImage extends MachineImage {
  readonly arch: string;
}

function invalid(message: string, identity: Readonly<Record<string, string>>): NodelessError {
  return new NodelessError({ code: 'InvalidConfig', message, identity });
}

/** What is known of machine images: which one a parameter names, and what it is. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #parameters = new Map<string, Refreshed<string>>();
  readonly #described = new Map<string, Promise<DescribedImage>>();

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /** The image of that id. @throws NodelessError NotFound; InvalidConfig where it is not for the architecture */
  async byId(imageId: string, arch: string, signal: AbortSignal): Promise<MachineImage> {
    const image = await this.#describe(imageId, signal);
    if (image.arch === arch) return image;
    const message = `image ${imageId} is for ${image.arch}, and the machine is ${arch}; name one that is, or let the CellClass have only instance types of ${image.arch}`;
    throw invalid(message, { image: imageId, arch, scope: 'architecture' });
  }

  /** The image that an SSM parameter names now. @throws NodelessError NotFound for one that is not there */
  async byParameter(parameter: string, arch: string, signal: AbortSignal): Promise<MachineImage> {
    return this.byId(await this.#parameter(parameter).get(signal), arch, signal);
  }

  stop(): void {
    for (const parameter of this.#parameters.values()) parameter.stop();
  }

  #parameter(name: string): Refreshed<string> {
    const known = this.#parameters.get(name);
    if (known !== undefined) return known;
    const { clock, random, onFailure } = this.#options;
    const made = new Refreshed({
      load: (signal) => this.#read(name, signal),
      renewAfterMs: RENEW_MS,
      clock,
      random,
      onFailure: (error) => onFailure(name, error),
    });
    if (this.#parameters.size >= MAX_KNOWN) this.#parameters.clear();
    this.#parameters.set(name, made);
    return made;
  }

  async #read(Name: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#options.client.call(
      {
        action: 'ssm:GetParameter',
        family: 'parameter',
        identity: { parameter: Name },
        run: ({ ssm }, abortSignal) => ssm.getParameter({ Name }, { abortSignal }),
      },
      signal,
    );
    const value = answer.Parameter?.Value ?? '';
    if (!IMAGE_ID.test(value)) throw invalid(`parameter ${Name} holds no id of an image`, { parameter: Name });
    return value;
  }

  async #describe(imageId: string, signal: AbortSignal): Promise<DescribedImage> {
    const known = this.#described.get(imageId);
    if (known !== undefined) return known;
    // An image never changes, so whoever asks first asks for all.
    const described = this.#ask(imageId, signal).catch((error) => {
      this.#described.delete(imageId);
      throw error;
    });
    if (this.#described.size >= MAX_KNOWN) this.#described.clear();
    this.#described.set(imageId, described);
    return described;
  }

  async #ask(imageId: string, signal: AbortSignal): Promise<DescribedImage> {
    const identity = { image: imageId };
    const call = {
      action: 'ec2:DescribeImages',
      family: 'describe',
      identity,
      run: ({ ec2 }, abortSignal) => ec2.describeImages({ ImageIds: [imageId] }, { abortSignal }),
    } satisfies Parameters<AwsClient['call']>[0];
    const { Images: images = [] } = await this.#options.client.call(call, signal).catch((error: unknown) => {
      if (!isNodelessError(error) || !String(error.identity.awsCode).startsWith('InvalidAMIID')) throw error;
      return { Images: [] };
    });
    const [image] = images;
    if (image?.RootDeviceName === undefined || image.Architecture === undefined) {
      const message = `image ${imageId} is not there, or not for this account to use; check the id and the region`;
      throw new NodelessError({ code: 'NotFound', message, identity });
    }
    return { imageId, rootDevice: image.RootDeviceName, arch: ARCH[image.Architecture] ?? image.Architecture };
  }
}
