import type { Config } from '../config/schema.ts';

/** How a Node is recognized by what else of its cloud runs in the cluster. */
export interface CloudIdentity {
  readonly providerId: string;
  /** Labels that it has unless the configuration sets them otherwise. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The identity of a virtual node. On AWS it has the form that cluster-autoscaler demands of every node before it scales any, and is
 * no instance's, so that nobody looks for one; the label says that pods there are found by their own addresses. Sources: docs/eks.md.
 */
export function cloudIdentityOf(
  { provider, awsEc2 }: Pick<Config, 'provider' | 'awsEc2'>,
  { name, zone }: { readonly name: string; readonly zone?: string },
  clusterUid: string,
): CloudIdentity {
  if (provider !== 'aws-ec2') return { providerId: `nodeless://${clusterUid}/${name}`, labels: {} };
  // Of a node in no single zone others want the region at least, which is a zone's name without its letter.
  const place = zone ?? `${awsEc2.region}a`;
  return {
    providerId: `aws:///${place}/nodeless-${name.replaceAll('.', '-')}`,
    labels: { 'eks.amazonaws.com/compute-type': 'fargate' },
  };
}
