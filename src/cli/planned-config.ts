import { parseUnserved, readConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** The configuration of a file, or that by default, for what serves nothing. */
export async function plannedConfig(file: string | undefined): Promise<Config> {
  return file === undefined
    ? parseUnserved({}, 'the default configuration')
    : parseUnserved(await readConfig(file), file);
}
