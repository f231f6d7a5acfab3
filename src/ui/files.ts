import { readFile } from 'node:fs/promises';

/** What the page is made of, by the name that a browser asks for under the page's address; the first one is the page itself. */
export const PAGE_FILES = {
  '': { file: 'index.html', contentType: 'text/html; charset=utf-8' },
  'style.css': { file: 'style.css', contentType: 'text/css; charset=utf-8' },
  'page.js': { file: 'page.js', contentType: 'text/javascript; charset=utf-8' },
} as const;
export type PageFile = keyof typeof PAGE_FILES;

/** Where the page gets its state, under its address; `page.js` has it as well. */
export const EVENTS_PATH = 'events';
/** What comes from there. */
export const EVENTS_TYPE = 'text/event-stream';

/** No script but the page's own, nothing from elsewhere, and in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The headers of everything that belongs to the page. */
export function pageHeaders(contentType: string): Readonly<Record<string, string>> {
  return {
    'content-type': contentType,
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}

/** Reads the page's files once, to be served from memory. */
export async function readPageFiles(): Promise<ReadonlyMap<PageFile, Buffer>> {
  const names = Object.keys(PAGE_FILES) as PageFile[];
  const read = async (name: PageFile) =>
    [name, await readFile(new URL(`./page/${PAGE_FILES[name].file}`, import.meta.url))] as const;
  return new Map(await Promise.all(names.map(read)));
}
