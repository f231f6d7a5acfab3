/** Kept for a kubelet and its runtime on a machine of one pod: 255 MiB and 11 MiB for each pod (the formula of EKS' images). */
export const RESERVED_MEMORY_MIB = 255 + 11;

/** Below so much memory that is available, a kubelet evicts. */
export const EVICTION_MEMORY_MIB = 100;

/** Of 10,000 parts of a core, those that are kept, by core: the first, the second, the next two, all others (the formula of EKS' images). */
export const RESERVED_CPU_SHARES = [600, 100, 50, 50] as const;
export const RESERVED_CPU_SHARE_OF_OTHERS = 25;
