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
