/** How long a soak is to be. */
export interface Length {
  readonly minutes: number;
  /** Of the provider, at least. */
  readonly kills: number;
}

/** Kills that have not come in so many times the minutes do not come any more. */
const LONGEST = 2;

/** True when a soak has lasted its time and has had its kills, or has waited too long for these. */
export function isLongEnough(
  { minutes, kills }: Length,
  had: { readonly passedMs: number; readonly kills: number },
): boolean {
  const passedMinutes = had.passedMs / 60_000;
  return passedMinutes > minutes && (had.kills >= kills || passedMinutes > LONGEST * minutes);
}
