import type { CellBootstrap } from '../../../src/core/cell.ts';
import type { CellClass } from '../../../src/core/cell-class.ts';
import { bootstrapScript } from '../../kubelet/bootstrap-script.ts';
import { CONTAINERD_SOCKET, containerdConfig } from '../../kubelet/containerd-config.ts';
import { rotatedKubeconfig } from '../../kubelet/kubeconfig.ts';
import { cellKubelet, classKubelet, securedBy } from '../../kubelet/kubelet-config.ts';
import { quote } from '../../kubelet/shell.ts';
import { CLIENT_PAIR, curlOptions, SIGNING_PATH, signingRequest } from '../../kubelet/signing-request.ts';
import { EVICTION_MEMORY_MIB, RESERVED_MEMORY_MIB } from '../catalogue/reserved.ts';

/** Where a machine keeps what makes it a cell. */
export const CELL_FOLDER = '/var/lib/nodeless';
export const CNI_FOLDER = '/opt/cni/bin';
const CA_FILE = `${CELL_FOLDER}/ca.crt`;
export const KUBECONFIG = `${CELL_FOLDER}/kubeconfig`;

/** What only the machine knows stands in its files as these, until it writes them. */
export const PLACEHOLDER = {
  systemdCgroup: '@SYSTEMD_CGROUP@',
  cgroupDriver: '@CGROUP_DRIVER@',
  reservedCpu: '@RESERVED_CPU@',
  resolvConf: '@RESOLV_CONF@',
  podRanges: '"@POD_RANGES@"',
} as const;

export interface CellFileParts {
  readonly bootstrap: CellBootstrap;
  readonly cellClass: CellClass;
  readonly sandboxImage: string;
  /** Addresses of the machine that pods may have, and so how many pods there may be with an address of their own. */
  readonly podAddresses: number;
}

/** A file of a machine, by its path. */
export type Files = Readonly<Record<string, string>>;

/** Configuration of the machine's kubelet. */
function kubelet({ bootstrap, cellClass, podAddresses }: CellFileParts): string {
  const configuration = {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    ...securedBy(CA_FILE),
    ...cellKubelet(bootstrap),
    cgroupDriver: PLACEHOLDER.cgroupDriver,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    // Those of offerings' sizes: what was sold is what the kubelet has to give.
    evictionHard: {
      'memory.available': `${EVICTION_MEMORY_MIB}Mi`,
      'nodefs.available': '10%',
      'nodefs.inodesFree': '5%',
    },
    failSwapOn: false,
    kubeReserved: { cpu: PLACEHOLDER.reservedCpu, memory: `${RESERVED_MEMORY_MIB}Mi` },
    maxPods: podAddresses + cellClass.spec.agents.length,
    resolvConf: PLACEHOLDER.resolvConf,
    ...classKubelet(cellClass),
    // The cell API serves the node; there is nothing to register.
    registerNode: false,
  };
  return JSON.stringify(configuration);
}

/**
 * Pods have addresses of the machine's subnet, the secondary ones of its interface, so that whoever reaches machines
 * reaches pods. Their gateway is the machine's own address, which its end of the wire has as well: it has to be of the subnet.
 */
function podNetwork(): string {
  const ipam = { type: 'host-local', ranges: PLACEHOLDER.podRanges, routes: [{ dst: '0.0.0.0/0' }] };
  const plugins = [
    { type: 'ptp', ipMasq: false, ipam },
    { type: 'portmap', capabilities: { portMappings: true } },
  ];
  const text = JSON.stringify({ cniVersion: '0.4.0', name: 'nodeless', plugins });
  return text.replace(JSON.stringify(PLACEHOLDER.podRanges), PLACEHOLDER.podRanges);
}

/** Services, by the image's own kube-proxy, with the kubelet's identity. */
function serviceProxy({ bootstrap }: CellFileParts): string {
  return JSON.stringify({
    kind: 'KubeProxyConfiguration',
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    mode: 'iptables',
    hostnameOverride: bootstrap.nodeName,
    clientConnection: { kubeconfig: KUBECONFIG, contentType: 'application/json' },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    // Nobody's traffic is translated but what leaves for a Service.
    detectLocalMode: 'InterfaceNamePrefix',
    detectLocal: { interfaceNamePrefix: 'veth' },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  });
}

/** Images of ECR, with the machine's own role. */
function registryCredentials(): string {
  const domains = ['amazonaws.com', 'amazonaws.com.cn'];
  const provider = {
    name: 'ecr-credential-provider',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    matchImages: domains.flatMap((domain) => [`*.dkr.ecr.*.${domain}`, `*.dkr.ecr-fips.*.${domain}`]),
    defaultCacheDuration: '12h',
  };
  const kind = { kind: 'CredentialProviderConfig', apiVersion: 'kubelet.config.k8s.io/v1' };
  return JSON.stringify({ ...kind, providers: [provider] });
}

/** Makes the machine's key and request, which appear at once: there must never be a second key. */
function prepareIdentity({ bootstrap: { cellApiUrl, nodeName } }: CellFileParts): string {
  const request = JSON.stringify(signingRequest('@KEY@', '@REQUEST@'));
  return `mkdir -p pki
[ ! -e ${CLIENT_PAIR} ] || exit 0
if [ ! -e bootstrap ]; then
  draft=$(mktemp -d bootstrap.XXXXXX)
  printf '[req]\\ndistinguished_name=name\\n[name]\\n' > $draft/req.cnf
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out $draft/key.pem
  openssl req -new -sha256 -config $draft/req.cnf -subj '/O=system:nodes/CN=system:node:${nodeName}' -key $draft/key.pem -out $draft/request.pem
  openssl pkey -in $draft/key.pem -pubout -outform DER | openssl dgst -sha256 -hex | sed 's/.* //' > $draft/key
  key=$(cat $draft/key)
  echo '${request}' | sed "s,@KEY@,$key,; s,@REQUEST@,$(base64 -w 0 $draft/request.pem)," > $draft/request.json
  url=${quote(cellApiUrl + SIGNING_PATH)}
  echo "$url $url/node-csr-$key" > $draft/urls
  mv -T $draft bootstrap
fi
`;
}

const AUTHORIZE = `token=$(sh ./identity.sh "$(cat bootstrap/key)") || return 1
  { cat curl.conf; printf 'header = "Authorization: Bearer %s"\\n' "$token"; } > bootstrap/curl.conf`;

/** All that makes a machine a cell, apart from its identity's program and what the system runs it by. */
export function cellFiles(parts: CellFileParts): Files {
  const { caPem, cellApiUrl } = parts.bootstrap;
  const pair = `${CELL_FOLDER}/${CLIENT_PAIR}`;
  return {
    [CA_FILE]: caPem.trimEnd(),
    [KUBECONFIG]: rotatedKubeconfig({ server: cellApiUrl, authority: { 'certificate-authority': CA_FILE }, pair }),
    [`${CELL_FOLDER}/curl.conf`]: curlOptions(CA_FILE).trimEnd(),
    [`${CELL_FOLDER}/bootstrap.sh`]: bootstrapScript({
      directory: CELL_FOLDER,
      prepare: prepareIdentity(parts),
      authorize: AUTHORIZE,
    }).trimEnd(),
    [`${CELL_FOLDER}/kubelet.json`]: kubelet(parts),
    [`${CELL_FOLDER}/kube-proxy.json`]: serviceProxy(parts),
    [`${CELL_FOLDER}/registries.json`]: registryCredentials(),
    '/etc/cni/net.d/10-nodeless.conflist': podNetwork(),
    '/etc/containerd/config.toml': containerdConfig({
      root: '/var/lib/containerd',
      cniConfDir: '/etc/cni/net.d',
      cniBinDir: CNI_FOLDER,
      registryDir: '/etc/containerd/certs.d',
      sandboxImage: parts.sandboxImage,
      systemdCgroup: PLACEHOLDER.systemdCgroup,
    }).trimEnd(),
  };
}
