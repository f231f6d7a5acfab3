/** One file of an image's root file system; owner is root, times are the epoch. */
export type Entry = { readonly path: string; readonly mode: number } & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'file'; readonly content: Buffer }
);

export function directory(path: string, mode = 0o755): Entry {
  return { kind: 'directory', path, mode };
}

export function symlink(path: string, target: string): Entry {
  return { kind: 'symlink', path, mode: 0o777, target };
}

export function file(path: string, content: Buffer | string, mode = 0o644): Entry {
  return { kind: 'file', path, mode, content: typeof content === 'string' ? Buffer.from(content) : content };
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/**
 * The entries in the order of their paths, each path once (the last one given wins),
 * with a directory entry for every parent that lacks one. Paths are relative to the root.
 */
export function completeTree(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const entry of entries) {
    for (const parent of parentsOf(entry.path)) {
      if (!byPath.has(parent)) byPath.set(parent, directory(parent));
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
