import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { REFERENCES } from '../../docs/references.ts';

describe('generated documents', () => {
  test.each(Object.entries(REFERENCES))(
    '%s says what the code says (npm run docs writes it)',
    async (path, generate) => {
      expect(await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(generate());
    },
  );
});
