/** A taint as a Node has it; `timeAdded` and the like are kept as they are. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/**
 * The taints that a Node should have: the wanted ones set by key and effect, all others kept (those of
 * `kubectl taint`, `kubectl cordon` and the node life-cycle controller). `current` itself when nothing changes.
 */
export function ownTaints(current: readonly Taint[], wanted: readonly Taint[]): readonly Taint[] {
  const kept = current.map((taint) => {
    const ours = wanted.find((other) => isSame(other, taint));
    return ours === undefined || (ours.value ?? '') === (taint.value ?? '') ? taint : ours;
  });
  const missing = wanted.filter((taint) => !current.some((other) => isSame(other, taint)));
  const changed = missing.length > 0 || kept.some((taint, index) => taint !== current[index]);
  return changed ? [...kept, ...missing] : current;
}
