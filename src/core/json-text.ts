import type { z } from 'zod';

/** What a JSON text holds, in the schema's shape; undefined when it is no JSON or of another shape. */
export function shapedJson<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
