import { createHash } from 'node:crypto';
import type { RequestLaunchTemplateData } from '@aws-sdk/client-ec2';
import type { CellClassSpec } from '../../../src/core/cell-class.ts';
import { rootVolumeBytesOf } from '../../../src/core/root-volume.ts';
import type { BootImage } from '../boot.ts';
import { type Home, homeTags, type Tags, tagList } from '../instances/tags.ts';
import type { AwsEc2Settings } from '../settings.ts';

export interface TemplateParts {
  readonly home: Home;
  readonly settings: Pick<AwsEc2Settings, 'publicAddress' | 'instanceProfile' | 'podAddresses'>;
  readonly spec: CellClassSpec;
  readonly image: BootImage;
  readonly securityGroups: readonly string[];
  /** Whether the machine is one that can be given more CPU than it has for good. */
  readonly isBurstable: boolean;
}

/** A launch template: what machines of a class have in common, under a name that says what is in it. */
export interface LaunchTemplate {
  readonly name: string;
  readonly data: RequestLaunchTemplateData;
  readonly tags: Tags;
}

const GiB = 2 ** 30;
const NAME_LENGTH = 24;

function profile(name: string | undefined): Pick<RequestLaunchTemplateData, 'IamInstanceProfile'> {
  if (name === undefined) return {};
  return { IamInstanceProfile: name.startsWith('arn:') ? { Arn: name } : { Name: name } };
}

function rootVolume({ rootVolume: volume, ...spec }: CellClassSpec, rootDevice: string) {
  const { type, iops, throughputMiBps, encrypted, kmsKey } = volume;
  return {
    DeviceName: rootDevice,
    Ebs: {
      VolumeSize: Math.ceil(rootVolumeBytesOf({ ...spec, rootVolume: volume }) / GiB),
      VolumeType: type,
      Encrypted: encrypted,
      DeleteOnTermination: true,
      ...(iops === undefined ? {} : { Iops: iops }),
      ...(throughputMiBps === undefined ? {} : { Throughput: throughputMiBps }),
      ...(kmsKey === undefined ? {} : { KmsKeyId: kmsKey }),
    },
  };
}

/** The template of a class; equal parts give the same name, so it is made once for all, and never changed. */
export function templateOf({
  home,
  settings,
  spec,
  image,
  securityGroups,
  isBurstable,
}: TemplateParts): LaunchTemplate {
  const tags = { ...spec.tags, ...homeTags(home) };
  const data: RequestLaunchTemplateData = {
    ImageId: image.imageId,
    UserData: Buffer.from(image.userData).toString('base64'),
    // Pods can't reach the machine's credentials: they are one hop further, and no request without a session is answered.
    MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    BlockDeviceMappings: [rootVolume(spec, image.rootDevice)],
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        AssociatePublicIpAddress: settings.publicAddress,
        DeleteOnTermination: true,
        SecondaryPrivateIpAddressCount: settings.podAddresses,
        ...(securityGroups.length === 0 ? {} : { Groups: [...securityGroups] }),
      },
    ],
    // Else most burst on credit, which is billed beyond the price. Other types are refused with it.
    ...(isBurstable ? { CreditSpecification: { CpuCredits: 'standard' } } : {}),
    ...profile(spec.instanceProfile ?? settings.instanceProfile),
    // A cell that shuts itself down is over, and must not go on costing.
    InstanceInitiatedShutdownBehavior: 'terminate',
    TagSpecifications: (['volume', 'network-interface'] as const).map((ResourceType) => ({
      ResourceType,
      Tags: tagList(tags),
    })),
  };
  const digest = createHash('sha256').update(JSON.stringify(data)).digest('hex');
  return { name: `nodeless-${digest.slice(0, NAME_LENGTH)}`, data, tags: homeTags(home) };
}
