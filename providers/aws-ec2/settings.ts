/** What cells in EC2 are like where their class does not say, and where prices come from. */
export interface AwsEc2Settings {
  /** Such as `eu-central-1`. */
  readonly region: string;
  /** URL that every service is asked at instead of its own, such as that of an emulator. */
  readonly endpoint?: string | undefined;
  /** Ids of the subnets that cells are launched in; without any, offerings are those of all zones of the region. */
  readonly subnets: readonly string[];
  /** Ids of the security groups of cells whose class names none. */
  readonly securityGroups: readonly string[];
  /** Name or ARN of the instance profile of cells whose class names none. */
  readonly instanceProfile?: string | undefined;
  /** Name of the role in an instance profile, by the profile's name; without one, the role has the profile's name. */
  readonly instanceRoles: Readonly<Record<string, string>>;
  /** URL of the queue that has what AWS says is about to befall machines. */
  readonly interruptionQueue?: string | undefined;
  /** Addresses of a machine that pods may have, beside its own. */
  readonly podAddresses: number;
  /** Image that holds pods' namespaces, instead of that of the machine's image. */
  readonly sandboxImage?: string | undefined;
  /** Where kube-proxy comes from on images that lack it. */
  readonly kubeProxyImage: string;
  /** The CNI plugins, for images that lack them, by architecture. */
  readonly cniPlugins: Readonly<Record<'amd64' | 'arm64', { readonly url: string; readonly sha256: string }>>;
  /** Whether bare metal counts. */
  readonly includeMetal: boolean;
  /** Whether types count that AWS calls previous generation. */
  readonly includePreviousGeneration: boolean;
  /** Whether cells get public IPv4 addresses, which cost. */
  readonly publicAddress: boolean;
  /** Percent off the on-demand price by instance family, such as `m7g`, or `*` for all others: savings plans. */
  readonly discounts: Readonly<Record<string, number>>;
  readonly prices: {
    /** Of the root volume. */
    readonly volumeGiBMonthUsd: number;
    readonly publicAddressHourUsd: number;
  };
}
