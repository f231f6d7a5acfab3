import { stripVTControlCharacters } from 'node:util';

/** vitest's JSON report, as far as it is read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const MAX_LINES = 12;

function indented(text: string): string {
  const lines = stripVTControlCharacters(text).split('\n').slice(0, MAX_LINES);
  return lines.map((line) => `    ${line}\n`).join('');
}

/** The tests that failed, and the files that did before any of their tests, each with the beginning of its error. */
export function failuresIn(report: string): string {
  const { testResults } = JSON.parse(report) as Report;
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name, message = '', assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const each = failed.map(
        ({ fullName, failureMessages = [] }) => `  ${fullName}\n${indented(failureMessages.join('\n'))}`,
      );
      return `${name}\n${each.length === 0 ? indented(message) : each.join('')}`;
    })
    .join('');
}
