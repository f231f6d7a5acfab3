import { quote } from '../../kubelet/shell.ts';
import { RESERVED_CPU_SHARE_OF_OTHERS, RESERVED_CPU_SHARES } from '../catalogue/reserved.ts';
import { CELL_FOLDER, CNI_FOLDER, type Files, PLACEHOLDER } from './cell-files.ts';
import { IMDS } from './imds.ts';
import { SERVICES } from './services.ts';

/** A file to be fetched, which is used only where it is the one that is meant. */
export interface PinnedArchive {
  /** https URL of a `.tgz`. */
  readonly url: string;
  readonly sha256: string;
}

export interface MachineScriptParts {
  readonly files: Files;
  readonly cniPlugins: PinnedArchive;
  /** Services of the image that would make another node of it. */
  readonly disabledServices: readonly string[];
  /** The class's own lines, run before the kubelet starts. */
  readonly userData: string | undefined;
}

const PLUGINS = ['host-local', 'loopback', 'portmap', 'ptp'] as const;
const END_OF_FILE = 'END-OF-NODELESS-FILE';

function write(path: string, text: string): string {
  return `cat > ${quote(path)} <<'${END_OF_FILE}'\n${text}\n${END_OF_FILE}\n`;
}

function foldersOf(files: Files): readonly string[] {
  return [...new Set(Object.keys(files).map((path) => path.slice(0, path.lastIndexOf('/'))))];
}

/** Millis of CPU that are the kubelet's, by the number of CPUs: the formula of the offerings' sizes. */
function reservedCpu(): string {
  const [first, second, third, fourth] = RESERVED_CPU_SHARES;
  return `share=0
core=0
while [ $core -lt "$(nproc)" ]; do
  case $core in 0) more=${first} ;; 1) more=${second} ;; 2) more=${third} ;; 3) more=${fourth} ;; *) more=${RESERVED_CPU_SHARE_OF_OTHERS} ;; esac
  share=$((share + more)) core=$((core + 1))
done
reserved_cpu=$(((share + 9) / 10))m`;
}

function fill(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([placeholder, value]) => `-e "s|${placeholder.replaceAll('"', '\\"')}|${value}|"`)
    .join(' ');
}

/**
 * What a machine runs once, as root, when it is first started: it writes the cell's files, with what only the machine
 * knows, and starts its services. Nothing in it is secret; a machine proves itself by its role.
 */
export function machineScript({ files, cniPlugins, disabledServices, userData }: MachineScriptParts): string {
  const disable = disabledServices.length === 0 ? '' : `systemctl disable --now ${disabledServices.join(' ')} || :\n`;
  const own = userData === undefined ? '' : `# of the CellClass\n(\nset +u\n${userData.trimEnd()}\n)\n`;
  const kubelet = `${CELL_FOLDER}/kubelet.json`;
  return `#!/bin/sh
# Makes the machine a cell of Nodeless. Nothing in here is secret.
set -eu
umask 022
${disable}imds=${IMDS}
session=$(curl -qsf -m 5 --retry 20 --retry-connrefused --retry-delay 1 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $imds/api/token)
meta() { curl -qsf -m 5 --retry 5 -H "X-aws-ec2-metadata-token: $session" "$imds/meta-data/$1"; }
nic=network/interfaces/macs/$(meta mac)
addresses=$(meta "$nic/local-ipv4s")
subnet=$(meta "$nic/subnet-ipv4-cidr-block")
address=$(echo "$addresses" | head -n 1)
ranges=
for pod in $(echo "$addresses" | tail -n +2); do
  # Some images give it to the machine itself.
  ip -o -4 addr show to "$pod" | while read -r _ device _ own _; do ip addr del "$own" dev "$device"; done
  ranges="$ranges\${ranges:+,}{\\"subnet\\":\\"$subnet\\",\\"rangeStart\\":\\"$pod\\",\\"rangeEnd\\":\\"$pod\\",\\"gateway\\":\\"$address\\"}"
done
[ -n "$ranges" ] || { echo 'nodeless: the machine has no address for pods' >&2; exit 1; }
driver=cgroupfs systemd=false
[ ! -d /run/systemd/system ] || driver=systemd systemd=true
resolver=/etc/resolv.conf
[ ! -e /run/systemd/resolve/resolv.conf ] || resolver=/run/systemd/resolve/resolv.conf
${reservedCpu()}

mkdir -p ${foldersOf(files).map(quote).join(' ')} ${CNI_FOLDER}
chmod 700 ${CELL_FOLDER}
${Object.entries(files)
  .map(([path, text]) => write(path, text))
  .join('')}echo "address=$address" > ${CELL_FOLDER}/address
sed -i ${fill({ [PLACEHOLDER.cgroupDriver]: '$driver', [PLACEHOLDER.reservedCpu]: '$reserved_cpu', [PLACEHOLDER.resolvConf]: '$resolver' })} ${kubelet}
sed -i ${fill({ [PLACEHOLDER.systemdCgroup]: '$systemd' })} /etc/containerd/config.toml
sed -i ${fill({ [PLACEHOLDER.podRanges]: '[[$ranges]]' })} /etc/cni/net.d/10-nodeless.conflist
echo 1 > /proc/sys/net/ipv4/ip_forward
touch /run/xtables.lock

if [ ! -x ${CNI_FOLDER}/ptp ]; then
  curl -qfsSL -m 120 --retry 5 -o ${CELL_FOLDER}/cni.tgz ${quote(cniPlugins.url)}
  echo '${cniPlugins.sha256}  ${CELL_FOLDER}/cni.tgz' | sha256sum -c -
  tar -xzf ${CELL_FOLDER}/cni.tgz -C ${CNI_FOLDER} ${PLUGINS.map((name) => `./${name}`).join(' ')}
  rm ${CELL_FOLDER}/cni.tgz
fi
${own}systemctl daemon-reload
systemctl enable ${SERVICES.join(' ')}
systemctl restart --no-block ${SERVICES.join(' ')}
`;
}
