/** Below this the chance of 0 is no number any more, and sums begin where they are. */
const LOG_TINY = -700;

/**
 * Adds the negative binomial distribution of a mean and a dispersion (variance over mean; 1 is Poisson), times a weight, to
 * chances of 0, 1, 2, …
 */
export function addNegativeBinomial(
  chances: Float64Array,
  { weight, mean, dispersion }: { readonly weight: number; readonly mean: number; readonly dispersion: number },
): void {
  const spread = Math.max(0, dispersion - 1);
  const isPoisson = spread < 1e-3;
  // chance(k + 1) = chance(k) · (a + b·k) / (k + 1)
  const a = isPoisson ? mean : mean / dispersion;
  const b = isPoisson ? 0 : spread / dispersion;
  const logNone = isPoisson ? -mean : (-mean / spread) * Math.log(dispersion);
  if (logNone > LOG_TINY) {
    let chance = weight * Math.exp(logNone);
    for (let count = 0; count < chances.length; count += 1) {
      chances[count] = (chances[count] as number) + chance;
      chance *= (a + b * count) / (count + 1);
    }
    return;
  }
  let logChance = logNone;
  for (let count = 0; count < chances.length; count += 1) {
    if (logChance > LOG_TINY) chances[count] = (chances[count] as number) + weight * Math.exp(logChance);
    logChance += Math.log((a + b * count) / (count + 1));
  }
}

/** The chance of one count under the negative binomial distribution of a mean and a dispersion. */
export function negativeBinomialChance(count: number, mean: number, dispersion: number): number {
  const spread = Math.max(1e-3, dispersion - 1);
  const size = mean / spread;
  let log = -size * Math.log1p(spread);
  const b = spread / (1 + spread);
  for (let at = 0; at < count; at += 1) log += Math.log(((size + at) * b) / (at + 1));
  return Math.exp(log);
}
