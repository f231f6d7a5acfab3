import { quote } from '../../../../providers/kubelet/shell.ts';
import type { CgroupHierarchy } from '../../../../providers/local/machine/cgroup-hierarchies.ts';
import { ownCgroups } from '../../../../providers/local/machine/scripts.ts';

export interface SuperviseOptions {
  readonly directory: string;
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Folders that the machine sees as they are, such as that of the images' layers, by their own paths. */
  readonly shared: readonly string[];
}

/** Folders of a machine that have to be on a disk, since overlays are mounted over them; by their names in its folder. */
export const DISKS: Readonly<Record<string, string>> = {
  containerd: '/var/lib/containerd',
  kubelet: '/var/lib/kubelet',
  log: '/var/log',
};

/**
 * The first process of a machine: gives it a root of its own, this machine's with the image's files over it, and
 * does there what cloud-init does, which is to run the user data once. When it ends, the kernel ends the machine with it.
 */
export function superviseScript({ directory, hierarchies, shared }: SuperviseOptions): string {
  const disks = Object.entries(DISKS).map(([name, path]) => {
    return `mkdir -p root${path} && mount --bind ${name} root${path}`;
  });
  const binds = [directory, ...shared].map(
    (path) => `mkdir -p root${quote(path)} && mount --bind ${quote(path)} root${quote(path)}`,
  );
  return `#!/bin/sh
set -eu
read -r stat < /proc/self/stat
exec 9>&-
mount --make-rprivate /
${ownCgroups(hierarchies)}
# Not on the disk: what is over a folder may not be in it.
mount -t tmpfs -o mode=755 tmpfs volatile
mkdir volatile/upper volatile/work
mount -t overlay -o lowerdir=/,upperdir=volatile/upper,workdir=volatile/work overlay root
mount -t proc proc root/proc
mount --rbind /sys root/sys
mount --rbind /dev root/dev
: >> console.log
[ ! -e root/dev/console ] || mount --bind console.log root/dev/console
mount -t tmpfs -o mode=755 tmpfs root/run
mkdir -p root/run/netns root/run/lock
${disks.join('\n')}
${binds.join('\n')}
for file in systemctl kubelet kube-proxy; do rm -f root/usr/bin/$file; cp -P image/$file root/usr/bin/$file; done
mkdir -p root/opt/cni root/etc/systemd/system
rm -rf root/opt/cni/bin
ln -s /usr/lib/cni root/opt/cni/bin
rm -rf root/etc/cni root/etc/containerd root/etc/resolv.conf
cp image/containerd.service root/etc/systemd/system/containerd.service
cp image/resolv.conf root/etc/resolv.conf
cp image/user-data root/run/user-data
cd root
mkdir -p .host
pivot_root . .host
exec chroot . /bin/sh -c '
set -eu
umount -l /.host
mount --make-rshared /
cd "$1"
{ echo "$2"; cat /proc/sys/kernel/random/boot_id; } > supervisor.tmp
mv supervisor.tmp supervisor
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
sh /run/user-data >> console.log 2>&1 < /dev/null || echo "user data ended with $?" >> console.log
while :; do sleep 300; done
' supervise ${quote(directory)} "$stat"
`;
}
