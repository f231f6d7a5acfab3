import { readFile, realpath } from 'node:fs/promises';
import { run } from '../processes/run.ts';
import { type Entry, file } from './entry.ts';

/** The paths in `ldd`'s output: `libc.so.6 => /lib/…/libc.so.6 (0x…)` and the loader, `/lib64/ld-linux-x86-64.so.2 (0x…)`. */
export function librariesOf(lddOutput: string): readonly string[] {
  return lddOutput.split('\n').flatMap((line) => {
    const path = /(?:=>\s+|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1];
    return path === undefined ? [] : [path];
  });
}

/** A dynamic program of this machine at /usr/bin, with every shared library that it loads at the path it loads it from. */
export async function withLibraries(program: string, name: string, signal: AbortSignal): Promise<readonly Entry[]> {
  const { stdout } = await run(['ldd', program], { signal });
  const libraries = await Promise.all(
    librariesOf(stdout).map(async (path) => file(path.slice(1), await readFile(await realpath(path)), 0o755)),
  );
  return [file(`usr/bin/${name}`, await readFile(program), 0o755), ...libraries];
}
