import { plainText } from '../core/console-text.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import { type Answer, text } from './answers.ts';

/** Asks the cloud what a cell's machine has written to its console. @throws NodelessError of the provider contract */
export type ConsoleSource = (cellId: string) => Promise<string>;

/** What is answered to who asks for a console. Never throws. */
export type Consoles = (cellId: string) => Promise<Answer>;

/** Answers by the provider's word; undefined where it shows no consoles. */
export function createConsoles(source: ConsoleSource | undefined): Consoles {
  return async (cellId) => {
    if (source === undefined) return text(501, 'the provider of this virtual node shows no consoles\n');
    try {
      return text(200, plainText(await source(cellId)));
    } catch (error) {
      // Not 404, of which the API server shows nobody the text.
      return text(isNodelessError(error, 'NotFound') ? 400 : 502, `${messageOf(error)}\n`);
    }
  };
}
