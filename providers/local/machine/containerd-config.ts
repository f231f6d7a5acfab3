/** What differs between one machine's containerd and another's. */
export interface ContainerdConfigOptions {
  readonly root: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly registryDir: string;
  readonly sandboxImage: string;
  /** Absolute path of runc; without it, the one on the PATH. */
  readonly runc?: string;
}

/** Where containerd listens, on the machine's private /run. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** Plugins that a machine has no use for and that probe for disks and file systems at start. */
const DISABLED_PLUGINS = [
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.tracing',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
];

/**
 * containerd's configuration. `restrict_oom_score_adj`: without CAP_SYS_RESOURCE runc can't lower the score, and
 * fails with "can't get final child's PID from pipe: EOF".
 */
export function containerdConfig(options: ContainerdConfigOptions): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(options.root)}
state = "/run/containerd"
disabled_plugins = ${text(DISABLED_PLUGINS)}

[grpc]
  address = "${CONTAINERD_SOCKET}"

[debug]
  level = "warn"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = ${text(options.sandboxImage)}

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(options.cniBinDir)}
    conf_dir = ${text(options.cniConfDir)}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
${options.runc === undefined ? '' : `        BinaryName = ${text(options.runc)}\n`}
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${text(options.registryDir)}
`;
}

/** hosts.toml for every registry: ask the mirror first (it is told the registry as \`?ns=\`). */
export function mirrorHosts(mirrorUrl: string): string {
  return `[host.${JSON.stringify(mirrorUrl)}]\n  capabilities = ["pull", "resolve"]\n`;
}

/** CNI: a bridge inside of the machine over its own pod range, no masquerading: the router knows the way back. */
export function cniConfig(podCidr: string): string {
  return JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: 'nodeless',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          hairpinMode: true,
          ipMasq: false,
          ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    null,
    2,
  );
}
