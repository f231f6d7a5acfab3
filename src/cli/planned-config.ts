import { parseConfig, readConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** The configuration, or that by default. Nothing is listened on, so any address will do where it names none. */
export async function plannedConfig(file: string | undefined): Promise<Config> {
  const given = file === undefined ? {} : await readConfig(file);
  const address = '127.0.0.1';
  const isSection = (value: unknown): value is object => typeof value === 'object' && value !== null;
  const { virtualNode = {} } = isSection(given) ? (given as { virtualNode?: unknown }) : {};
  const addressed =
    isSection(given) && isSection(virtualNode) ? { ...given, virtualNode: { address, ...virtualNode } } : given;
  return parseConfig(addressed ?? { virtualNode: { address } }, file ?? 'the default configuration');
}
