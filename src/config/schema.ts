import { z } from 'zod';
import { durationField as duration } from '../core/duration-field.ts';
import { KUBELET_SERVING_SIGNER } from '../core/names.ts';
import { quantityField as quantity, sizeField as size } from '../core/quantity-field.ts';
import { type Resources, resourcesOf } from '../core/resources.ts';
import { awsEc2 } from './aws-ec2-fields.ts';
import { metrics } from './metrics-fields.ts';
import { checkZones, zones } from './zones.ts';

/** A duration, or `unlimited`. */
const durationOrUnlimited = z.union([z.literal('unlimited').transform(() => Number.POSITIVE_INFINITY), duration]);

const port = z.number().int().min(0).max(65_535);

const taint = z.strictObject({
  key: z.string().min(1),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

const virtualNode = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, 'a node name is lower-case letters, digits, - and .')
    .default('nodeless')
    .describe('Name of the virtual node; with zones, what their names begin with.'),
  capacity: z
    .record(z.string(), quantity)
    .prefault({ cpu: '1024', memory: '4Ti', 'nvidia.com/gpu': '10', pods: '1000', 'ephemeral-storage': '10Ti' })
    .describe('What the virtual node advertises.'),
  labels: z.record(z.string(), z.string()).default({}).describe('Labels beside the defaults; these win.'),
  taints: z.array(taint).optional().describe('Taints instead of the default virtual-kubelet.io/provider:NoSchedule.'),
  kubeletVersion: z.string().default('v1.34.4').describe('Version that the node shows: that of the cells’ kubelets.'),
  address: z
    .string('is required: the address at which the API server reaches this process')
    .describe('Address at which the API server reaches the kubelet endpoint.'),
});

const nodeCell = z.strictObject({
  size: z
    .strictObject({
      cpu: quantity.prefault('1').describe('CPU that the pods on the node cell can request together.'),
      memory: quantity.prefault('2Gi').describe('Memory that the pods on the node cell can request together.'),
    })
    .transform((list): Resources => resourcesOf(list))
    .prefault({}),
  linger: duration
    .prefault('10m')
    .describe('How long the node cell stays when no pod needs it, with what its disk has.'),
});

const agents = z.strictObject({
  namespaces: z
    .array(z.string())
    .default(['kube-system'])
    .describe(
      'Namespaces whose DaemonSets may have the policy inject: whoever makes pods there is trusted with every cell.',
    ),
  patience: duration
    .prefault('60s')
    .describe('How long an agent may take to become Ready on a cell before that is told of.'),
});

const cells = z.strictObject({
  defaultSize: size.prefault({}),
  launchTimeout: duration.prefault('5m').describe('A cell that has not registered by then is replaced.'),
  completedLinger: durationOrUnlimited
    .prefault('60s')
    .describe('How long a finished pod keeps its cell, so that its logs can be read; or unlimited.'),
  silentAfter: duration.prefault('40s').describe('A cell whose kubelet is silent for so long is taken for dead.'),
  orphanAfter: duration.prefault('60s').describe('A machine that no pod needs for so long is ended.'),
  censusEvery: duration.prefault('10s').describe('How often the cloud is listed.'),
  gather: duration.prefault('1s').describe('How long the first of the pods that share a cell waits for the others.'),
  nodeCell: nodeCell.prefault({}),
  agents: agents.prefault({}),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(16)
    .describe('Provider calls of each kind at once. `aws-ec2` bounds its calls itself.'),
});

const cellApi = z.strictObject({
  host: z.string().default('0.0.0.0').describe('Address to listen on.'),
  port: port.default(8443).describe('Port to listen on; of the first zone, where there are zones.'),
  advertise: z.string().optional().describe('Address that cells connect to; the virtual node address unless given.'),
  leaderService: z
    .boolean()
    .default(false)
    .describe(
      'Keep the Service nodeless-cells-NAME of each virtual node at whoever leads it, and have cells connect to that unless advertise is given; `nodeless install --image` makes it, and sets this.',
    ),
});

const kubeletEndpoint = z.strictObject({
  host: z.string().default('0.0.0.0').describe('Address to listen on.'),
  port: port
    .default(10_250)
    .describe('Port to listen on; the Node names it. Of the first zone, where there are zones.'),
  signer: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[\w.:-]+$/, 'a signer is a domain and a path, such as example.com/serving')
    .default(KUBELET_SERVING_SIGNER)
    .describe('signerName of the serving certificate; `nodeless install` grants to approve for it.'),
  approval: z.enum(['self', 'external']).default('self').describe('Who approves the serving certificate request.'),
  selfSigned: z
    .boolean()
    .default(false)
    .describe('Serve with a self-signed certificate; only where the API server accepts it.'),
});

const webhook = z.strictObject({
  enabled: z.boolean().default(true).describe('Serve the admission webhooks, on every replica.'),
  host: z.string().default('0.0.0.0').describe('Address to listen on.'),
  port: port.default(9443).describe('Port to listen on.'),
  hosts: z
    .array(z.string())
    .default([])
    .describe('Where API servers call the webhooks, beside virtualNode.address and the virtual node’s Service.'),
  settle: duration
    .prefault('15m')
    .describe('How long a new authority of the webhooks is announced to API servers before it signs.'),
});

const routing = z.strictObject({
  excludedNamespaces: z
    .array(z.string())
    .default(['kube-system', 'kube-node-lease', 'kube-public'])
    .describe('Namespaces whose pods are left alone, beside our own.'),
  statefulPlacement: z
    .enum(['leave', 'node-cell'])
    .default('leave')
    .describe('Where pods go that are tied to a node: to regular nodes, or to the node cell.'),
  csiDrivers: z
    .array(z.string())
    .default([])
    .describe('CSI drivers whose node plugins cells have: their inline volumes do not tie a pod to a node.'),
  schedulers: z
    .array(z.string())
    .default(['default-scheduler'])
    .describe('Schedulers that may bind pods to the virtual node.'),
});

const local = z.strictObject({
  cluster: z.string().default('local').describe('Name that this cluster’s namespaces and cgroups carry.'),
  stateDir: z.string().default('/var/lib/nodeless/local').describe('Folder that is the cloud: one folder per cell.'),
  cacheDir: z.string().optional().describe('Folder for prepared images; the user’s cache unless given.'),
  kubelet: z.string().optional().describe('Path of the kubelet; looked up, downloaded or compiled unless given.'),
  containerd: z.string().optional().describe('Path of containerd; looked up on the PATH unless given.'),
  cniBinDir: z.string().default('/usr/lib/cni').describe('Folder of the CNI plugins.'),
  imagesDir: z.string().optional().describe('Folder of image archives that every cell starts with.'),
  registryMirror: z.string().optional().describe('URL that image pulls go through.'),
  sandboxImage: z.string().default('registry.k8s.io/pause:3.10.1').describe('Image that holds a pod’s namespaces.'),
  cellCidr: z.string().default('10.200.0.0/16').describe('Addresses of cells.'),
  podCidr: z.string().default('10.244.0.0/16').describe('Addresses of pods.'),
  serviceCidr: z.string().default('10.96.0.0/16').describe('Addresses of Services, as the API server has it.'),
  outbound: z.boolean().default(false).describe('Let cells reach beyond this machine.'),
});

const simulated = z.strictObject({
  launchTime: duration
    .prefault('2s')
    .describe('Median time from launch to the kubelet’s first request; p95 is twice it.'),
  startTime: duration.prefault('500ms').describe('Median time from hand-over to a Ready pod; p95 is twice it.'),
  failureRate: z.number().min(0).max(1).default(0).describe('Share of launches that fail for lack of capacity.'),
  exhaustedZones: z.array(z.string()).default([]).describe('Zones without capacity: launches there fail.'),
  seed: z.number().int().default(1).describe('Of every random choice.'),
});

const whole = z.strictObject({
  virtualNode: virtualNode.prefault({} as z.input<typeof virtualNode>),
  cells: cells.prefault({}),
  cellApi: cellApi.prefault({}),
  kubeletEndpoint: kubeletEndpoint.prefault({}),
  webhook: webhook.prefault({}),
  zones: zones.prefault({}),
  routing: routing.prefault({}),
  cluster: z
    .strictObject({
      dns: z.string().default('10.96.0.10').describe('Address of the cluster’s DNS Service.'),
      domain: z.string().default('cluster.local').describe('The cluster’s DNS domain.'),
      namespace: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a namespace is lower-case letters, digits and -')
        .default('nodeless-system')
        .describe('Namespace of Nodeless’ own Secret.'),
    })
    .prefault({}),
  provider: z.enum(['local', 'simulated', 'aws-ec2']).default('local').describe('Where cells are launched.'),
  local: local.prefault({}),
  simulated: simulated.prefault({}),
  awsEc2: awsEc2.prefault({}),
  metrics: metrics.prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level that is logged.'),
});

/** The whole configuration of `nodeless run`. */
export const configSchema = whole.superRefine(checkZones);

/** Parsed, defaulted configuration: durations in milliseconds, quantities checked. */
export type Config = z.output<typeof configSchema>;
