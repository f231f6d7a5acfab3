import { NodelessError } from '../../../src/core/errors.ts';

/** More pages than any answer that is asked for here has. */
const MAX_PAGES = 1_000;

/** Every item of an answer in pages. @throws what a page throws; AmbiguousOutcome where the pages do not end */
export async function allPages<T>(
  page: (token: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
): Promise<readonly T[]> {
  const found: T[] = [];
  let token: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const { items, next } = await page(token);
    for (const item of items) found.push(item);
    if (next === undefined || next === '') return found;
    token = next;
  }
  const message = `AWS gave ${MAX_PAGES} pages of one answer, and there are more; what it answered is not used`;
  throw new NodelessError({ code: 'AmbiguousOutcome', message, retryable: true });
}
