import { writeFile } from 'node:fs/promises';
import { REFERENCES } from './references.ts';

for (const [path, generate] of Object.entries(REFERENCES)) {
  await writeFile(new URL(`../../${path}`, import.meta.url), generate());
  process.stdout.write(`${path} written\n`);
}
