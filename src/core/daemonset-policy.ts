import { DAEMONSET_POLICY_ANNOTATION } from './names.ts';

/** What becomes of a DaemonSet's pod on the virtual node. */
const DAEMONSET_POLICIES = ['absorb', 'node-cell', 'inject'] as const;
export type DaemonSetPolicy = (typeof DAEMONSET_POLICIES)[number];

/** What an EKS cluster always has, in kube-system: cells bring their own network, proxy and disks, but ask for credentials as nodes do. */
const PRESETS: Readonly<Record<string, DaemonSetPolicy>> = {
  'aws-node': 'absorb',
  'kube-proxy': 'absorb',
  'ebs-csi-node': 'absorb',
  'eks-pod-identity-agent': 'inject',
};

const PRESET_NAMESPACE = 'kube-system';

/** True for a value that the annotation may have. */
function isDaemonSetPolicy(text: string | undefined): text is DaemonSetPolicy {
  return DAEMONSET_POLICIES.some((policy) => policy === text);
}

/** The policy of a DaemonSet: its annotation where that is one, else the preset for it, else `absorb`. */
export function daemonSetPolicyOf(namespace: string, name: string, annotation: string | undefined): DaemonSetPolicy {
  if (isDaemonSetPolicy(annotation)) return annotation;
  const isPreset = namespace === PRESET_NAMESPACE && Object.hasOwn(PRESETS, name);
  return isPreset ? (PRESETS[name] ?? 'absorb') : 'absorb';
}

/** Says that an annotation has a value that nothing follows, or undefined. */
export function daemonSetPolicyWarning(annotation: string | undefined): string | undefined {
  if (annotation === undefined || isDaemonSetPolicy(annotation)) return undefined;
  return `annotation ${DAEMONSET_POLICY_ANNOTATION}: "${annotation}" is not followed; it is one of ${DAEMONSET_POLICIES.join(', ')}`;
}
