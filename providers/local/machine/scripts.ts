import { dirname } from 'node:path';
import { CONTAINERD_SOCKET } from '../../kubelet/containerd-config.ts';
import { commandLine, quote } from '../../kubelet/shell.ts';
import { CLIENT_PAIR } from '../../kubelet/signing-request.ts';
import type { CgroupHierarchy } from './cgroup-hierarchies.ts';
import { isUnified } from './cgroup-hierarchies.ts';
import { SYSTEM_CGROUP } from './cgroups.ts';
import { type MachineNetwork, networkUp } from './network.ts';

/** What a machine's first process is made from; whatever its supervisor does then. */
export interface FirstProcess {
  /** The machine's folder. */
  readonly directory: string;
  readonly cgroup: string;
  readonly hierarchies: readonly CgroupHierarchy[];
  readonly network: MachineNetwork;
  /** Folders of the programs, in front of the system's. */
  readonly path: readonly string[];
  /** Written once the machine has booted. */
  readonly cpuLimit?: { readonly path: string; readonly value: string; readonly afterSeconds: number };
}

/** What the scripts of one machine are made from. */
export interface ScriptOptions extends FirstProcess {
  readonly containerd: readonly string[];
  /** True when the kubelet has to be got a first certificate. */
  readonly bootstraps: boolean;
  readonly kubelet: readonly string[];
  /** Pulled before the kubelet starts. */
  readonly images: readonly string[];
  /** Hide the host's /tmp; not possible when something that the machine needs is in it. */
  readonly privateTmp: boolean;
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Moves the shell into a cgroup of the machine, in every hierarchy. */
function joinCgroups({ hierarchies, cgroup }: FirstProcess, below: string): string {
  const folders = hierarchies.map(({ mountPoint }) => quote(mountPoint + cgroup + below));
  return `for folder in ${folders.join(' ')}; do echo 0 > "$folder/cgroup.procs"; done`;
}

/**
 * Limits the CPU once the machine has booted. From outside of its cgroup namespace: cgroup v2 mounted with `nsdelegate`
 * lets nobody inside write the limits of the namespace's root. A grandchild, since nobody would bury a child.
 */
function limitLater(options: FirstProcess): string {
  const { cpuLimit } = options;
  if (cpuLimit === undefined) return '';
  return `( {
  ${joinCgroups(options, `/${SYSTEM_CGROUP}`)}
  sleep ${cpuLimit.afterSeconds}
  echo ${quote(cpuLimit.value)} > ${quote(cpuLimit.path)}
} 9>&- & )`;
}

/**
 * The first process of a machine, run detached in the router's network namespace. It holds `lock` until the machine
 * ends, so that two of them never run; joins the cgroup before it makes anything, so that whoever kills the cgroup
 * has all of it; then becomes the supervisor.
 */
export function startScript(options: FirstProcess): string {
  return `#!/bin/sh
set -eu
cd ${quote(options.directory)}
exec 9>lock
flock -n 9 || exit 0
[ -e machine.json ] && [ ! -e ending ] && [ ! -e supervisor ] || exit 0
${joinCgroups(options, '')}
[ -e machine.json ] && [ ! -e ending ] || exit 0
export PATH=${quote([...options.path, SYSTEM_PATH].join(':'))}
${networkUp(options.network)}
${limitLater(options)}
exec nsenter --net=/run/netns/${options.network.namespace} unshare --cgroup sh ./enter.sh
`;
}

/** Second stage, in the machine's network and cgroup namespaces: leaves the root cgroup to its limits alone. */
export function enterScript(options: FirstProcess): string {
  return `#!/bin/sh
set -eu
${joinCgroups(options, `/${SYSTEM_CGROUP}`)}
exec unshare --mount --pid --fork --kill-child --propagation slave sh ./supervise.sh
`;
}

function remount({ version, mountPoint, controllers }: CgroupHierarchy): string {
  const target = quote(mountPoint);
  const mount = version === 2 ? 'mount -t cgroup2 cgroup2' : `mount -t cgroup -o ${controllers.join(',')} cgroup`;
  return `umount ${target}; ${mount} ${target}`;
}

/** Shell lines that mount the cgroups as the machine's own cgroup namespace has them, for its kubelet to divide. */
export function ownCgroups(hierarchies: readonly CgroupHierarchy[]): string {
  const delegate = isUnified(hierarchies)
    ? `for controller in $(cat ${hierarchies[0]?.mountPoint}/cgroup.controllers); do echo "+$controller" > ${hierarchies[0]?.mountPoint}/cgroup.subtree_control || :; done`
    : '';
  return `${hierarchies.map(remount).join('\n')}
${delegate}`;
}

/** Gets the kubelet's first certificate, beside containerd's start; whatever happens to the program, it is run again. */
function bootstrapLoop({ bootstraps }: ScriptOptions): string {
  return bootstraps ? `while [ ! -e ${CLIENT_PAIR} ]; do sh ./bootstrap.sh || sleep 1; done` : '';
}

/** Pulls all for so long at most: what is missing then its pod pulls, as ever. */
const PULL_SECONDS = 180;

/** Pulls the images that the machine has not got, once in its life. */
export function pullScript({ containerd: [program = ''], directory, images }: ScriptOptions): string {
  return `#!/bin/sh
ctr=${quote(`${dirname(program)}/ctr`)}
[ -x "$ctr" ] || ctr=ctr
for image in ${images.map(quote).join(' ')}; do
  [ -z "$("$ctr" -n k8s.io images ls -q "name==$image")" ] || continue
  echo "pulling $image"
  "$ctr" -n k8s.io images pull --hosts-dir ${quote(`${directory}/registry`)} "$image" < /dev/null || echo "$image was not pulled"
done
`;
}

function pullOnce({ images }: ScriptOptions): string {
  if (images.length === 0) return '';
  return `[ -e pulled ] || timeout ${PULL_SECONDS} sh ./pull.sh >> console.log 2>&1 || :
  : > pulled`;
}

/**
 * The supervisor, process 1 of the machine's PID namespace: when it dies, the kernel ends the machine with it. Mounts
 * private copies of the folders that Kubernetes' programs use by fixed names, then keeps containerd and the kubelet
 * running. Running containers have shims of their own and outlive a restart of either.
 */
export function superviseScript(options: ScriptOptions): string {
  const { directory, hierarchies } = options;
  const at = (name: string) => quote(`${directory}/${name}`);
  return `#!/bin/sh
set -eu
read -r stat < /proc/self/stat
exec 9>&-
mount --make-rshared /
${ownCgroups(hierarchies)}
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind ${at('log')} /var/log
mount --bind ${at('kubelet')} /var/lib/kubelet
mount --bind ${at('cni-state')} /var/lib/cni
${options.privateTmp ? `mount --bind ${at('tmp')} /tmp` : ''}
mkdir -p /run/netns /run/lock
# Often a link into /run, which has just been hidden.
resolver=$(readlink -f /etc/resolv.conf || :)
case $resolver in /run/*) mkdir -p "\${resolver%/*}" && : > "$resolver" ;; esac
[ ! -e "$resolver" ] || mount --bind ${at('resolv.conf')} "$resolver"
echo 1 > /proc/sys/net/ipv4/ip_forward
export PATH=${quote([...options.path, SYSTEM_PATH].join(':'))}

{ echo "$stat"; cat /proc/sys/kernel/random/boot_id; } > supervisor.tmp
mv supervisor.tmp supervisor

keep() {
  log=$1
  shift
  pause=0.1
  while :; do
    began=$(date +%s)
    "$@" >> "$log" 2>&1 < /dev/null || echo "ended with $?" >> "$log"
    [ $(($(date +%s) - began)) -lt 30 ] || pause=0.1
    sleep "$pause"
    case $pause in 0.1) pause=0.5 ;; 0.5) pause=2 ;; *) pause=10 ;; esac
  done
}

keep containerd.log ${commandLine(options.containerd)} &
{
  ${bootstrapLoop(options)}
  tries=0
  while [ ! -S ${CONTAINERD_SOCKET} ] && [ $tries -lt 100 ]; do sleep 0.02; tries=$((tries + 1)); done
  ${pullOnce(options)}
  keep kubelet.log ${commandLine(options.kubelet)}
} &
while sleep 300; do
  for log in console.log containerd.log kubelet.log; do
    [ "$(wc -c < "$log")" -lt 20000000 ] || : > "$log"
  done
done
`;
}
