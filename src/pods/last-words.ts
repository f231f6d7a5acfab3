import type { Book } from '../cells/book.ts';
import type { Cell } from '../cells/cell.ts';
import { endOfText } from '../core/console-text.ts';
import { messageOf } from '../core/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';

export interface LastWordsOptions {
  readonly book: Pick<Book, 'onChange'>;
  readonly pods: { get(uid: string): WirePod | undefined };
  readonly events: Pick<EventRecorder, 'warning'>;
  /** Reads a console of a machine; it may have ended a moment ago. */
  readonly consoleOf: (cellId: string) => Promise<string>;
}

/** An event has 1,024 characters. */
const MOST_CHARACTERS = 900;

/** Whether a cell ends without its kubelet ever having been there. */
function hasFailedToCome({ phase, machine, lastSeenMs, allocatable, enteredMs }: Cell): boolean {
  const ends = phase === 'ending' || phase === 'lost';
  const neverCame = lastSeenMs === undefined && allocatable === undefined && enteredMs.ready === undefined;
  return ends && neverCame && machine !== undefined && enteredMs.booting !== undefined;
}

/**
 * Tells pods what the machines had to say that never became their cells: the end of what they wrote to their consoles. Of
 * pods that are deleted nobody asks. Until the returned function is called.
 */
export function tellLastWords({ book, pods, events, consoleOf }: LastWordsOptions): () => void {
  const told = new WeakSet<Cell>();
  return book.onChange((cell) => {
    if (told.has(cell) || !hasFailedToCome(cell)) return;
    const waiting = [...cell.members.keys(), cell.podUid].flatMap((uid) => pods.get(uid) ?? []);
    const pod = waiting.find(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (pod === undefined) return;
    told.add(cell);
    const { cellId } = cell;
    const tell = (words: string) => events.warning(pod, 'CellConsole', words);
    consoleOf(cellId).then(
      (text) => {
        const end = endOfText(text, MOST_CHARACTERS);
        tell(end === '' ? `the console of ${cellId} is empty` : `the console of ${cellId} ends with:\n${end}`);
      },
      (error) => tell(`the console of ${cellId} can not be read: ${messageOf(error)}`),
    );
  });
}
