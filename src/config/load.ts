import { readFile } from 'node:fs/promises';
import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, NodelessError } from '../core/errors.ts';
import { type Config, configSchema } from './schema.ts';

/** Keys that the schema knows at a path, for "did you mean". */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  for (const step of path) schema = (schema as { properties?: Record<string, unknown> })?.properties?.[String(step)];
  return Object.keys((schema as { properties?: object })?.properties ?? {});
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${path}: ${issue.message}`;
  return issue.keys
    .map((key) => {
      const known = keysAt(issue.path);
      const hint = known.length === 0 ? '' : `; did you mean "${closest(key, [...known])}"?`;
      return `unknown key "${[...issue.path, key].join('.')}"${hint}`;
    })
    .join('; ');
}

/** Checks a configuration and fills in its defaults. @throws NodelessError ConfigInvalid naming every problem. */
export function parseConfig(input: unknown, source: string): Config {
  const result = configSchema.safeParse(input ?? {});
  if (result.success) return Object.freeze(result.data);
  const problems = result.error.issues.map(describe);
  throw new NodelessError({
    code: 'ConfigInvalid',
    message: `${source}: ${problems.join('; ')}`,
    identity: { source },
  });
}

type Section = Readonly<Record<string, unknown>>;

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A configuration with a change of its virtualNode; what has none that could be changed stays as it is, and is refused later. */
function withVirtualNode(input: unknown, change: (virtualNode: Section) => Section): unknown {
  const config = input ?? {};
  if (!isSection(config)) return input;
  const virtualNode = config.virtualNode ?? {};
  return isSection(virtualNode) ? { ...config, virtualNode: change(virtualNode) } : input;
}

/** Checks a configuration that nothing is served by here: where it names no address, any will do. @throws as `parseConfig` */
export function parseUnserved(input: unknown, source: string): Config {
  const addressed = withVirtualNode(input, (virtualNode) => ({ address: '127.0.0.1', ...virtualNode }));
  return parseConfig(addressed, source);
}

/** What a YAML or JSON configuration file says, unchecked. @throws NodelessError ConfigInvalid when it can't be read */
export async function readConfig(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new NodelessError({
      code: 'ConfigInvalid',
      message: `${file} can not be read: ${messageOf(error).split('\n')[0]?.replace(/:$/, '')}`,
      cause: error,
    });
  }
}

/**
 * Reads a YAML or JSON configuration file; an address that is given counts instead of the file's.
 * @throws NodelessError ConfigInvalid when it can't be read or is wrong
 */
export async function loadConfig(file: string, address?: string): Promise<Config> {
  const input = await readConfig(file);
  // Replicas of one file are told apart by it.
  const own = address === undefined ? {} : { address };
  return parseConfig(
    withVirtualNode(input, (virtualNode) => ({ ...virtualNode, ...own })),
    file,
  );
}
