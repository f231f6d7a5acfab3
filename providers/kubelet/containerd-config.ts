/** What differs between one machine's containerd and another's. */
export interface ContainerdConfigOptions {
  readonly root: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly registryDir: string;
  readonly sandboxImage: string;
  /** Absolute path of runc; without it, the one on the PATH. */
  readonly runc?: string;
  /** Whether systemd makes the cgroups, by TOML's `true` or `false`; or what stands for it. */
  readonly systemdCgroup?: string;
}

/** Where containerd listens. */
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
 * containerd's configuration, in the form that 1.x and 2.x read. `restrict_oom_score_adj`: without CAP_SYS_RESOURCE runc
 * can't lower the score, and fails with "can't get final child's PID from pipe: EOF".
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
        SystemdCgroup = ${options.systemdCgroup ?? 'false'}
${options.runc === undefined ? '' : `        BinaryName = ${text(options.runc)}\n`}
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${text(options.registryDir)}
`;
}
