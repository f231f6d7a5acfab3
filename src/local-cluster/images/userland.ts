import { directory, type Entry, file, symlink } from './entry.ts';

/** Programs and libraries of this machine that go into the images. */
export interface UserlandInputs {
  /** A static busybox, and the applets it has, as `busybox --list-full` prints them. */
  readonly busybox: Buffer;
  readonly applets: readonly string[];
  /** A static bash: busybox's own shell drops environment variables whose names it can't read, such as `p-data`. */
  readonly bash: Buffer;
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;

const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
www-data:x:33:
users:x:100:
nobody:x:65534:
`;

const SHELLS = ['sh', 'bash'];

/** Every applet where busybox's own list has it, and in /bin, where the upstream image has them all. */
function appletLinks(applets: readonly string[]): readonly Entry[] {
  return applets.flatMap((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (SHELLS.includes(name) || name === 'busybox') return [];
    const inBin = `bin/${name}`;
    return path === inBin ? [symlink(inBin, 'busybox')] : [symlink(inBin, 'busybox'), symlink(path, '/bin/busybox')];
  });
}

/** A small root file system: busybox, bash as /bin/sh, users, and the folders that programs expect. */
export function userland(inputs: UserlandInputs): readonly Entry[] {
  return [
    ...['dev', 'etc', 'home', 'proc', 'sys', 'usr/bin', 'usr/sbin', 'usr/local/bin', 'var/log', 'var/run', 'sbin'].map(
      (path) => directory(path),
    ),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    directory('var/tmp', 0o1777),
    file('bin/busybox', inputs.busybox, 0o755),
    file('bin/bash', inputs.bash, 0o755),
    symlink('bin/sh', 'bash'),
    symlink('usr/bin/bash', '/bin/bash'),
    ...appletLinks(inputs.applets),
    file('etc/passwd', PASSWD),
    file('etc/group', GROUP),
    file('etc/shadow', 'root:*:::::::\n', 0o640),
    file('etc/nsswitch.conf', 'hosts: files dns\n'),
  ];
}

/**
 * agnhost's user of the "pre-defined group in the image" specs, over the userland's files.
 * Source: Kubernetes' test/images/agnhost/Dockerfile.
 */
export function agnhostUsers(): readonly Entry[] {
  return [
    file('etc/passwd', `${PASSWD}user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n`),
    file('etc/group', `${GROUP}user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n`),
    directory('home/user-defined-in-image'),
  ];
}

/**
 * /bin/sh over the userland's: busybox's own shell, whose messages specs compare, but for an environment that it would
 * drop variables of. It takes its own applets for every command that it has, so it is nothing for other images.
 */
const BUSYBOX_SHELL = `#!/bin/bash
while IFS= read -r -d '' variable; do
  [[ $variable =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || exec -a /bin/sh /bin/bash "$@"
done < /proc/self/environ
exec -a /bin/sh /bin/busybox "$@"
`;

export function busyboxShell(): readonly Entry[] {
  return [file('bin/sh', BUSYBOX_SHELL, 0o755)];
}
