import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { beginningOf } from '../../../src/cli/beginning-of.ts';

/** A body that comes in pieces of so many bytes; `read` counts those that were asked for. */
function inPieces(text: string, pieceBytes: number) {
  const bytes = Buffer.from(text);
  const seen = { pieces: 0 };
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      seen.pieces += 1;
      yield bytes.subarray(at, at + pieceBytes);
    }
  }
  return { body: Readable.from(pieces(), { highWaterMark: 1 }), seen };
}

describe('the beginning of a body', () => {
  test.each([1, 2, 3, 5, 64])('is the same text in pieces of %i bytes, whatever characters they cut', async (piece) => {
    expect(await beginningOf(inPieces('zu groß: 🦜 ≥ 3 €', piece).body, 100)).toBe('zu groß: 🦜 ≥ 3 €');
  });

  test.each([1, 2, 3, 5, 64])('of a longer one is so many whole characters, in pieces of %i bytes', async (piece) => {
    expect(await beginningOf(inPieces('🦜'.repeat(500), piece).body, 7)).toBe('🦜'.repeat(7));
    expect(await beginningOf(inPieces(`a${'🦜'.repeat(500)}`, piece).body, 7)).toBe(`a${'🦜'.repeat(6)}`);
  });

  test('is all that is read of it', async () => {
    const { body, seen } = inPieces('x'.repeat(100_000), 100);
    expect(await beginningOf(body, 100)).toBe('x'.repeat(100));
    expect(seen.pieces).toBeLessThan(10);
  });
});
