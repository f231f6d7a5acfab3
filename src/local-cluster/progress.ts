/** One thing that is under way, for a person who waits. The same `step` may report many times. */
export interface ProgressEvent {
  /** Short and stable, such as `kubernetes` or `control plane`. */
  readonly step: string;
  /** What happens now, such as `compiling, 412 packages, 1m 20s`. */
  readonly detail: string;
}

export type Progress = (event: ProgressEvent) => void;

export const noProgress: Progress = () => {};

/** `80` → `1m 20s`. */
export function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
}
