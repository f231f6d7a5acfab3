import type { IpPermission, SecurityGroup, Subnet } from '@aws-sdk/client-ec2';
import { readOwnSubnets } from '../../../../providers/aws-ec2/catalogue/sources.ts';
import { type Finding, failed, ok, warning } from '../finding.ts';
import type { AwsPatient } from './patient.ts';

const SUBNETS = 'subnets';
const GROUPS = 'security groups';
const KUBELET_PORT = 10_250;
/** Fewer are soon used up. */
const FEW_CELLS = 20;

/** How many cells the subnets have addresses for. Pure. */
export function judgeSubnets(subnets: readonly Subnet[], addressesPerCell: number): Finding {
  if (subnets.length === 0)
    return failed(SUBNETS, 'none are named', 'name the subnets of cells in awsEc2.subnets, at least one in each zone');
  const rooms = subnets.map(({ SubnetId = '', AvailabilityZone = '', AvailableIpAddressCount: free = 0 }) => ({
    name: `${SubnetId} (${AvailabilityZone})`,
    cells: Math.floor(free / addressesPerCell),
  }));
  const told = rooms.map(({ name, cells }) => `${name}: ${cells} cells`).join(', ');
  const detail = `free addresses, ${addressesPerCell} for each cell: ${told}`;
  const fix = 'give cells larger subnets, or more of them in these zones';
  if (rooms.some(({ cells }) => cells === 0)) return failed(SUBNETS, detail, fix);
  return rooms.some(({ cells }) => cells < FEW_CELLS) ? warning(SUBNETS, detail, fix) : ok(SUBNETS, detail);
}

export async function subnetsCheck({ client, settings, signal }: AwsPatient): Promise<Finding> {
  const { subnets, podAddresses } = settings;
  return judgeSubnets(subnets.length === 0 ? [] : await readOwnSubnets(client, subnets, signal), podAddresses + 1);
}

function opens({ IpProtocol, FromPort = 0, ToPort = 65_535 }: IpPermission, port: number): boolean {
  return IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= port && port <= ToPort);
}

/** Whether cells are reached, and reach what they have to, by the rules of their groups together. Pure. */
export function judgeGroups(groups: readonly SecurityGroup[], cellApiPort: number): Finding {
  const ids = new Set(groups.map(({ GroupId }) => GroupId));
  const into = groups.flatMap(({ IpPermissions = [] }) => IpPermissions);
  const out = groups.flatMap(({ IpPermissionsEgress = [] }) => IpPermissionsEgress);
  const named = [...ids].join(', ');
  if (!into.some((rule) => opens(rule, KUBELET_PORT)))
    return failed(
      GROUPS,
      `${named}: nobody reaches the kubelets of cells`,
      `let the provider's group in at tcp ${KUBELET_PORT}`,
    );
  if (!out.some((rule) => opens(rule, cellApiPort)))
    return failed(GROUPS, `${named}: cells do not reach the cell API`, `let them out at tcp ${cellApiPort}`);
  const isMutual = into.some(({ IpProtocol, UserIdGroupPairs = [], IpRanges = [] }) => {
    const isOwn = UserIdGroupPairs.some(({ GroupId }) => ids.has(GroupId));
    return IpProtocol === '-1' && (isOwn || IpRanges.length > 0);
  });
  if (!isMutual)
    return warning(
      GROUPS,
      `${named}: pods on cells do not reach each other at all ports`,
      'let the group of cells in from itself, and from the groups of the cluster’s nodes',
    );
  return ok(GROUPS, `${named}: cells are reached at ${KUBELET_PORT}, reach the cell API, and each other`);
}

export async function groupsCheck({ client, settings, cellApiPort, signal }: AwsPatient): Promise<Finding> {
  const { securityGroups } = settings;
  if (securityGroups.length === 0)
    return warning(
      GROUPS,
      'cells are in the default group of their network, unless their class says otherwise',
      'name groups in awsEc2.securityGroups',
    );
  const { SecurityGroups = [] } = await client.call(
    {
      action: 'ec2:DescribeSecurityGroups',
      family: 'describe',
      run: ({ ec2 }, abortSignal) => ec2.describeSecurityGroups({ GroupIds: [...securityGroups] }, { abortSignal }),
    },
    signal,
  );
  return judgeGroups(SecurityGroups, cellApiPort);
}
