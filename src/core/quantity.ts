import { NodelessError } from './errors.ts';

const SUFFIXES: Readonly<Record<string, readonly [base: bigint, exponent: bigint]>> = {
  n: [10n, -9n],
  u: [10n, -6n],
  m: [10n, -3n],
  '': [10n, 0n],
  k: [10n, 3n],
  M: [10n, 6n],
  G: [10n, 9n],
  T: [10n, 12n],
  P: [10n, 15n],
  E: [10n, 18n],
  Ki: [2n, 10n],
  Mi: [2n, 20n],
  Gi: [2n, 30n],
  Ti: [2n, 40n],
  Pi: [2n, 50n],
  Ei: [2n, 60n],
};

const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/;

/**
 * A Kubernetes quantity in units of 10⁻⁹ (so `1` is 1 000 000 000n), rounded up and away from zero
 * as apimachinery's `resource.Quantity` does below nano.
 * @param name what it is an amount of, for the message
 * @throws NodelessError InvalidQuantity when the text is no quantity.
 */
export function parseNano(text: string | number, name?: string): bigint {
  const match = QUANTITY.exec(String(text).trim());
  if (match === null) {
    const what = name === undefined ? `"${text}"` : `${name} "${text}"`;
    const message = `${what} is not a Kubernetes quantity such as 500m, 2 or 4Gi`;
    throw new NodelessError({ code: 'InvalidQuantity', message });
  }
  const [, sign = '', digits = '', scientific, suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const [base, exponent] =
    scientific === undefined ? (SUFFIXES[suffix] as [bigint, bigint]) : [10n, BigInt(scientific.slice(1))];
  const scaled = BigInt((whole + fraction).replace(/^$/, '0')) * 10n ** 9n;
  const multiplied = exponent >= 0n ? scaled * base ** exponent : scaled;
  const divisor = 10n ** BigInt(fraction.length) * (exponent < 0n ? base ** -exponent : 1n);
  const magnitude = (multiplied + divisor - 1n) / divisor;
  return sign === '-' ? -magnitude : magnitude;
}

/** A Kubernetes quantity as a number: of cores, bytes, or pieces. @throws NodelessError InvalidQuantity when the text is no quantity */
export function numberOf(quantity: string): number {
  return Number(parseNano(quantity)) / 1e9;
}

/** `1500` → `1500m`, `2000` → `2`. */
export function formatCpu(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** Bytes in the largest binary unit that keeps them whole: `268435456` → `256Mi`. */
export function formatBytes(bytes: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];
  let value = bytes;
  let unit = 0;
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}
