import { createInterface } from 'node:readline/promises';
import { NodelessError } from '../core/errors.ts';

/** Asks on the terminal, and goes on only after yes. @throws NodelessError ConfigInvalid where there is no terminal, or the answer is no */
export async function confirm(question: string, isAgreed: boolean, signal: AbortSignal): Promise<void> {
  if (isAgreed) return;
  if (!process.stdin.isTTY) {
    const message = `${question}\nNobody is there to be asked: say --yes`;
    throw new NodelessError({ code: 'ConfigInvalid', message });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question}\nGo on? [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new NodelessError({ code: 'ConfigInvalid', message: 'nothing was done, as you wished' });
}
