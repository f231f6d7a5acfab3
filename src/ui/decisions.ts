import type { RecordedEvent } from '../kube/events.ts';
import { clip, MAX_ROWS, type Section, sectionOf } from './section.ts';

/** What was last decided about pods, as their events tell it; the newest ones, in memory. */
export class Decisions {
  readonly #events: RecordedEvent[] = [];
  #listener: (() => void) | undefined;

  /** Calls back on each; there is one listener at most. */
  onChange(listener: () => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }

  add(event: RecordedEvent): void {
    this.#events.push({ ...event, message: clip(event.message) });
    if (this.#events.length > MAX_ROWS) this.#events.shift();
    this.#listener?.();
  }

  /** The newest first. */
  section(): Section {
    return sectionOf(
      {
        id: 'decisions',
        title: 'Last decisions',
        columns: [{ name: 'Pod' }, { name: 'At', kind: 'time' }, { name: 'What' }, { name: 'Why' }],
        empty: 'Nothing was decided since this replica leads.',
      },
      this.#events.toReversed().map(({ object, atMs, reason, message, type }) => ({
        values: [object, atMs, reason, message],
        ...(type === 'Warning' ? { tone: 'bad' as const } : {}),
      })),
    );
  }
}
