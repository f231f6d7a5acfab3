import { explain, isNodelessError } from '../core/errors.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  const code = isNodelessError(error) ? ` (${error.code})` : '';
  const [what, ...causes] = explain(error).split('\n');
  process.stderr.write([`nodeless: ${what}${code}`, ...causes, ''].join('\n'));
  process.exitCode = 1;
}
