import type { V1Container, V1EphemeralContainer, V1PodSpec, V1Volume } from '@kubernetes/client-node';
import type { WirePod } from '../../kube/wire-pod.ts';

/** Names, in the pod's own namespace, of what a pod refers to. */
export interface References {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

type AnyContainer = V1Container | V1EphemeralContainer;
type Name = string | undefined | null;

/** Volume sources that name a Secret by `secretRef.name`; a kubelet of some version mounts each. */
const SECRET_REF_SOURCES = ['cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'] as const;

function containersOf(spec: V1PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function secretsOfContainer({ env, envFrom }: AnyContainer): Name[] {
  return [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ];
}

function configMapsOfContainer({ env, envFrom }: AnyContainer): Name[] {
  return [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ...(envFrom ?? []).map(({ configMapRef }) => configMapRef?.name),
  ];
}

function secretsOfVolume(volume: V1Volume): Name[] {
  return [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    volume.csi?.nodePublishSecretRef?.name,
    ...SECRET_REF_SOURCES.map((source) => volume[source]?.secretRef?.name),
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
  ];
}

function configMapsOfVolume(volume: V1Volume): Name[] {
  return [volume.configMap?.name, ...(volume.projected?.sources ?? []).map(({ configMap }) => configMap?.name)];
}

/** The claim of a generic ephemeral volume is named after its pod and volume. */
function claimsOfVolume(volume: V1Volume, podName: string): Name[] {
  return [
    volume.persistentVolumeClaim?.claimName,
    volume.ephemeral === undefined ? undefined : `${podName}-${volume.name}`,
  ];
}

function named(names: readonly Name[]): ReadonlySet<string> {
  return new Set(names.filter((name): name is string => name !== undefined && name !== null && name !== ''));
}

/**
 * Every Secret, ConfigMap and claim that a pod refers to; the places are those of Kubernetes'
 * `podutil.VisitPodSecretNames` and `VisitPodConfigmapNames`, which the Node authorizer goes by too.
 */
export function referencesOf(pod: WirePod): References {
  const containers = containersOf(pod.spec);
  const volumes = pod.spec.volumes ?? [];
  return {
    secrets: named([
      ...(pod.spec.imagePullSecrets ?? []).map(({ name }) => name),
      ...containers.flatMap(secretsOfContainer),
      ...volumes.flatMap(secretsOfVolume),
    ]),
    configMaps: named([...containers.flatMap(configMapsOfContainer), ...volumes.flatMap(configMapsOfVolume)]),
    claims: named(volumes.flatMap((volume) => claimsOfVolume(volume, pod.metadata.name))),
  };
}

const cache = new WeakMap<WirePod, References>();

function cachedReferencesOf(pod: WirePod): References {
  const known = cache.get(pod);
  if (known !== undefined) return known;
  const references = referencesOf(pod);
  cache.set(pod, references);
  return references;
}

/** True when one of the pods refers to this object. */
export function isReferenced(
  pods: readonly WirePod[],
  kind: keyof References,
  namespace: string | undefined,
  name: string,
): boolean {
  return pods.some((pod) => pod.metadata.namespace === namespace && cachedReferencesOf(pod)[kind].has(name));
}
