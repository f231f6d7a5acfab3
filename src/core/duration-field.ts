import parseDuration from 'parse-duration';
import { z } from 'zod';

/** A duration such as `500ms`, `40s`, `5m` or `1h30m`, in milliseconds. */
export const durationField = z.string().transform((text, context) => {
  const ms = /^[\d.]/.test(text) && /[a-z]$/.test(text) ? parseDuration(text) : null;
  if (ms !== null && ms >= 0) return ms;
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 40s, 5m or 1h30m` });
  return z.NEVER;
});
