import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';

const REDACTED = '[redacted]';
const OUR_ANNOTATION = /(^|\.)nodeless\.io\//;

/** What looks like a secret wherever it stands, and what is left of it. */
const SECRETS: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, REDACTED],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, REDACTED],
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"']*:)[^\s/@"']+@/gi, `$1${REDACTED}@`],
  [/(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"']+/gi, `$1${REDACTED}`],
];

const NAMES =
  'pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization|user-?data';
/** A name, and what is said to be its value: in quotes, in quotes within quotes, or up to the next space. */
const NAMED = new RegExp(
  `((?:${NAMES})\\\\?["']?\\s*[:=]\\s*)("(?:[^"\\\\]|\\\\.)*"|\\\\"(?:(?!\\\\").)*\\\\"|'[^']*'|[^\\s,;}&"'{[\\\\]+)`,
  'gi',
);
const SECRET_KEY = new RegExp(`(?:${NAMES})$`, 'i');

/** A text without what looks like a secret in it. Pure. */
export function scrubbed(text: string): string {
  const left = SECRETS.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), text);
  return left.replaceAll(NAMED, (_, name: string, value: string) => {
    const quote = /^(\\?["'])/.exec(value)?.[1] ?? '';
    return `${name}${quote}${REDACTED}${quote}`;
  });
}

/** A value as JSON, without what looks like a secret in it. Pure. */
export function scrubbedJson(value: unknown): string {
  const plain = (key: string, of: unknown) => {
    if (typeof of !== 'string') return of;
    return SECRET_KEY.test(key) ? REDACTED : scrubbed(of);
  };
  return `${JSON.stringify(value, plain, 2)}\n`;
}

/** Metadata without what tools keep there of whole objects, and without annotations that are not ours. */
function plainMetadata(metadata: KubeObject['metadata']): object {
  const {
    managedFields: _managed,
    annotations = {},
    ...kept
  } = metadata as KubeObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  const ours = Object.entries(annotations).filter(([key]) => OUR_ANNOTATION.test(key));
  return { ...kept, annotations: Object.fromEntries(ours) };
}

/** An object of a kind that holds no secrets by itself, such as a Node or a Cell. Pure. */
export function plainObject(object: KubeObject): object {
  return { ...object, metadata: plainMetadata(object.metadata) };
}

/** Of a container's status, all but what the container has said itself. */
function plainStatus(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status ?? {}), (key, value) => (key === 'message' ? undefined : value));
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly resources?: unknown;
  readonly ports?: unknown;
}

/** Of a pod what decides where it runs, and how that goes: no environment, no command, and of volumes only the names. Pure. */
export function plainPod(pod: WirePod): object {
  const container = ({ name, image, resources, ports }: Container) => ({ name, image, resources, ports });
  const { nodeName, nodeSelector, affinity, tolerations, schedulerName, priorityClassName } = pod.spec;
  const { topologySpreadConstraints, restartPolicy, volumes = [], containers, initContainers = [] } = pod.spec;
  const { conditions, phase, reason, message, hostIP, podIP, startTime, qosClass } = pod.status ?? {};
  const { containerStatuses, initContainerStatuses } = pod.status ?? {};
  return {
    metadata: plainMetadata(pod.metadata),
    spec: {
      ...{ nodeName, nodeSelector, affinity, tolerations, schedulerName, priorityClassName },
      ...{ topologySpreadConstraints, restartPolicy },
      volumes: volumes.map((volume) => ({
        name: volume.name,
        kinds: Object.keys(volume).filter((key) => key !== 'name'),
      })),
      containers: (containers as readonly Container[]).map(container),
      initContainers: (initContainers as readonly Container[]).map(container),
    },
    status: {
      ...{ conditions, phase, reason, message, hostIP, podIP, startTime, qosClass },
      containerStatuses: plainStatus(containerStatuses ?? []),
      initContainerStatuses: plainStatus(initContainerStatuses ?? []),
    },
  };
}
