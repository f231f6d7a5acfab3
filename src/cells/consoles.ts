import type { CellProvider } from '../../providers/contract.ts';
import { NodelessError } from '../core/errors.ts';
import type { Book } from './book.ts';

/** Reads consoles of the cells in the book, and of no other machine; undefined where the provider shows none. */
export function consolesOf(
  provider: CellProvider,
  book: Book,
  signal: AbortSignal,
): ((cellId: string) => Promise<string>) | undefined {
  const { console } = provider;
  if (console === undefined) return undefined;
  return async (cellId) => {
    if (book.get(cellId) !== undefined) return console.call(provider, cellId, signal);
    const message = `there is no cell ${cellId}; \`nodeless cells\` lists those that there are`;
    throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
  };
}
