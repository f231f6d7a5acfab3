import { quote } from '../../kubelet/shell.ts';
import { CLIENT_PAIR } from '../../kubelet/signing-request.ts';
import { CELL_FOLDER, type Files, KUBECONFIG } from './cell-files.ts';

/** Where images keep the program that asks ECR for credentials; one that does not have it pulls without. */
const ECR_FOLDER = '/etc/eks/image-credential-provider';
const PROXY_PROGRAM = '/usr/bin/kube-proxy';
/** Not the kubelet's: it would collect what it did not start. */
const PROXY_NAMESPACE = 'nodeless';

export interface ServiceParts {
  readonly nodeName: string;
  /** Where Services' program comes from on images that lack it. */
  readonly kubeProxyImage: string;
}

function unit(description: string, after: string, service: readonly string[]): string {
  return `[Unit]
Description=${description}
Wants=network-online.target
After=${after}
[Service]
${service.join('\n')}
Restart=always
RestartSec=1
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target`;
}

/** The kubelet, once the machine has a certificate; what it is called with follows from the machine. */
function kubeletProgram({ nodeName }: ServiceParts): string {
  return `#!/bin/sh
set -eu
. ${CELL_FOLDER}/address
if [ -x ${ECR_FOLDER}/ecr-credential-provider ]; then
  set -- --image-credential-provider-bin-dir=${ECR_FOLDER} --image-credential-provider-config=${CELL_FOLDER}/registries.json
fi
exec /usr/bin/kubelet --config=${CELL_FOLDER}/kubelet.json --kubeconfig=${KUBECONFIG} --cert-dir=${CELL_FOLDER}/pki \\
  --hostname-override=${nodeName} --node-ip="$address" "$@"`;
}

/** Gets the machine its certificate. Why it can't is on the console too, which EC2 shows without a way into the machine. */
const REGISTER = `#!/bin/sh
why=$(sh ${CELL_FOLDER}/bootstrap.sh 2>&1) && exit 0
echo "nodeless: no certificate yet: $why" >&2
[ ! -w /dev/console ] || echo "nodeless: no certificate yet: $why" >> /dev/console
exit 1`;

/** kube-proxy of the image, or else of a container image, run without a kubelet, which could not start without Services. */
function proxyProgram({ kubeProxyImage }: ServiceParts): string {
  const config = `--config=${CELL_FOLDER}/kube-proxy.json`;
  return `#!/bin/sh
set -eu
until [ -s ${CELL_FOLDER}/${CLIENT_PAIR} ]; do sleep 0.2; done
[ ! -x ${PROXY_PROGRAM} ] || exec ${PROXY_PROGRAM} ${config}
image=${quote(kubeProxyImage)}
ctr -n ${PROXY_NAMESPACE} images ls -q | grep -qxF "$image" || ctr -n ${PROXY_NAMESPACE} images pull "$image" > /dev/null
ctr -n ${PROXY_NAMESPACE} tasks kill -s SIGKILL kube-proxy 2> /dev/null || :
ctr -n ${PROXY_NAMESPACE} containers rm kube-proxy 2> /dev/null || :
set -- --rm --net-host --privileged
for path in ${CELL_FOLDER} /lib/modules; do set -- "$@" --mount "type=bind,src=$path,dst=$path,options=rbind:ro"; done
exec ctr -n ${PROXY_NAMESPACE} run "$@" --mount type=bind,src=/run/xtables.lock,dst=/run/xtables.lock,options=rbind:rw \\
  "$image" kube-proxy kube-proxy ${config}`;
}

/** What the machine's system runs, and keeps running, beside containerd. */
export function serviceFiles(parts: ServiceParts): Files {
  const afterContainerd = 'network-online.target containerd.service';
  return {
    [`${CELL_FOLDER}/register.sh`]: REGISTER,
    [`${CELL_FOLDER}/kubelet.sh`]: kubeletProgram(parts),
    [`${CELL_FOLDER}/kube-proxy.sh`]: proxyProgram(parts),
    '/etc/systemd/system/kubelet.service': unit('kubelet of a cell', afterContainerd, [
      `ExecStartPre=/bin/sh ${CELL_FOLDER}/register.sh`,
      `ExecStart=/bin/sh ${CELL_FOLDER}/kubelet.sh`,
      'KillMode=process',
      'OOMScoreAdjust=-999',
    ]),
    '/etc/systemd/system/nodeless-kube-proxy.service': unit('Services on a cell', afterContainerd, [
      `ExecStart=/bin/sh ${CELL_FOLDER}/kube-proxy.sh`,
    ]),
  };
}

/** Names of the services, in the order of their start. */
export const SERVICES = ['containerd', 'kubelet', 'nodeless-kube-proxy'] as const;
