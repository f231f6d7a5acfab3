import { z } from 'zod';

const CNI_PLUGINS = 'https://github.com/containernetworking/plugins/releases/download/v1.7.1/cni-plugins-linux';

/** What a machine fetches, and by what it knows that it is what is meant. */
function archive(arch: string, sha256: string) {
  return z
    .strictObject({
      url: z
        .url()
        .default(`${CNI_PLUGINS}-${arch}-v1.7.1.tgz`)
        .describe('Where the .tgz is, such as in a bucket of yours.'),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'is a SHA-256 in hex')
        .default(sha256)
        .describe('Its SHA-256; a machine that gets another does not become a cell.'),
    })
    .prefault({});
}

const percentOff = z.number().min(0).max(99);

/** The section of the provider aws-ec2. */
export const awsEc2 = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is the name of a region, such as eu-central-1')
    .optional()
    .describe(
      'Region whose offerings count; required where the provider is aws-ec2, for `nodeless plan --provider aws-ec2` too.',
    ),
  endpoint: z.url().optional().describe('URL that AWS is asked at instead of its own, such as that of an emulator.'),
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'is an id such as subnet-0abcdef1'))
    .default([])
    .describe('Subnets of cells, whose zones count; without any, offerings are those of all zones.'),
  securityGroups: z
    .array(z.string().regex(/^sg-[0-9a-f]{8,17}$/, 'is an id such as sg-0abcdef1'))
    .default([])
    .describe('Security groups of cells whose class names none; without any, the network’s default.'),
  instanceProfile: z.string().min(1).optional().describe('Instance profile of cells whose class names none.'),
  instanceRoles: z
    .record(z.string().min(1), z.string().min(1))
    .default({})
    .describe('Name of the role in an instance profile, by the profile’s name, where the two differ.'),
  interruptionQueue: z
    .url()
    .optional()
    .describe('URL of the SQS queue with what AWS says is about to befall machines (docs/aws-ec2.md).'),
  podAddresses: z
    .number()
    .int()
    .min(1)
    .max(29)
    .default(1)
    .describe(
      'Addresses of a machine for pods; more where pods share cells, with types whose interface has so many and one.',
    ),
  sandboxImage: z.string().min(1).optional().describe('Image that holds pods’ namespaces, instead of the AMI’s own.'),
  kubeProxyImage: z
    .string()
    .min(1)
    .default('registry.k8s.io/kube-proxy:v1.34.4')
    .describe('Where kube-proxy comes from on AMIs that lack /usr/bin/kube-proxy.'),
  cniPlugins: z
    .strictObject({
      amd64: archive('amd64', '1a28a0506bfe5bcdc981caf1a49eeab7e72da8321f1119b7be85f22621013098'),
      arm64: archive('arm64', '119fcb508d1ac2149e49a550752f9cd64d023a1d70e189b59c476e4d2bf7c497'),
    })
    .prefault({}),
  includeMetal: z.boolean().default(false).describe('Let bare metal count.'),
  includePreviousGeneration: z.boolean().default(false).describe('Let types count that AWS calls previous generation.'),
  publicAddress: z.boolean().default(false).describe('Give cells public IPv4 addresses, which cost.'),
  discounts: z
    .record(z.string().regex(/^(\*|[a-z][a-z0-9-]*)$/, 'is an instance family such as m7g, or *'), percentOff)
    .default({})
    .describe('Percent off on-demand prices by instance family, or * for all others (savings plans).'),
  prices: z
    .strictObject({
      volumeGiBMonthUsd: z.number().min(0).default(0.08).describe('Price of a GiB of root volume for a month.'),
      publicAddressHourUsd: z.number().min(0).default(0.005).describe('Price of a public IPv4 address for an hour.'),
    })
    .prefault({}),
});
