import { createInterface } from 'node:readline/promises';
import { NodelessError } from '../core/errors.ts';

/** Whether people agree, asked on the terminal; undefined where there is none. */
export async function isAgreedTo(
  question: string,
  output: NodeJS.WritableStream,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output });
  try {
    const answer = await terminal.question(`${question} [y/N] `, signal === undefined ? {} : { signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Asks on the terminal, and goes on only after yes. @throws NodelessError ConfigInvalid where there is no terminal, or the answer is no */
export async function confirm(question: string, isAgreed: boolean, signal: AbortSignal): Promise<void> {
  const agreed = isAgreed || (await isAgreedTo(`${question}\nGo on?`, process.stderr, signal));
  if (agreed === true) return;
  const message =
    agreed === undefined ? `${question}\nNobody is there to be asked: say --yes` : 'nothing was done, as you wished';
  throw new NodelessError({ code: 'ConfigInvalid', message });
}
