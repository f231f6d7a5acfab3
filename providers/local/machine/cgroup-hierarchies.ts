/** One mounted cgroup hierarchy: all of them on a v1 or hybrid machine, the only one on a v2 machine. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** v1 only: what `mount -t cgroup -o` takes to mount the same hierarchy, such as `cpu,cpuacct` or `none,name=systemd`. */
  readonly controllers: readonly string[];
}

/** The cgroup hierarchies in a `/proc/<pid>/mountinfo` text; a mount point listed twice counts once, the last (topmost). */
export function parseHierarchies(mountinfo: string): readonly CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>();
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const mountPoint = left.split(' ')[4];
    const [type, , superOptions = ''] = right.split(' ');
    if (mountPoint === undefined) continue;
    if (type === 'cgroup2') found.set(mountPoint, { version: 2, mountPoint, controllers: [] });
    if (type === 'cgroup') {
      const options = superOptions.split(',').filter((option) => option !== 'rw' && option !== 'ro');
      const named = options.filter((option) => option.startsWith('name='));
      const controllers = options.filter((option) => V1_CONTROLLERS.has(option));
      found.set(mountPoint, {
        version: 1,
        mountPoint,
        controllers: named.length > 0 ? ['none', ...named] : controllers,
      });
    }
  }
  return [...found.values()];
}

const V1_CONTROLLERS: ReadonlySet<string> = new Set([
  'blkio',
  'cpu',
  'cpuacct',
  'cpuset',
  'devices',
  'freezer',
  'hugetlb',
  'memory',
  'misc',
  'net_cls',
  'net_prio',
  'perf_event',
  'pids',
  'rdma',
]);

/** True when cgroup v2 holds the controllers, so that limits are `memory.max` and `cpu.max`. */
export function isUnified(hierarchies: readonly CgroupHierarchy[]): boolean {
  return hierarchies.every((hierarchy) => hierarchy.version === 2);
}

/** The hierarchy of a v1 controller, if mounted. */
export function hierarchyOf(hierarchies: readonly CgroupHierarchy[], controller: string): CgroupHierarchy | undefined {
  return hierarchies.find((hierarchy) => hierarchy.version === 1 && hierarchy.controllers.includes(controller));
}
