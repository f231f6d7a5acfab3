import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNodelessError } from '../../../src/core/errors.ts';
import { formatBytes, formatCpu, parseNano } from '../../../src/core/quantity.ts';
import { resourcesOf } from '../../../src/core/resources.ts';

function cpuMilli(text: string): number {
  return resourcesOf({ cpu: text }).cpuMilli;
}

function bytes(text: string): number {
  return resourcesOf({ memory: text }).memoryBytes;
}

describe('quantities', () => {
  test.each([
    ['500m', 500],
    ['2', 2000],
    ['0.1', 100],
    ['1e3', 1_000_000],
    ['100u', 1],
    ['1500000n', 2],
    ['.5', 500],
    ['+2', 2000],
  ])('cpu %s is %d thousandths, rounded up', (text, milli) => {
    expect(cpuMilli(text)).toBe(milli);
  });

  test.each([
    ['4Ti', 4 * 1024 ** 4],
    ['64Mi', 64 * 1024 ** 2],
    ['1.5Gi', 1.5 * 1024 ** 3],
    ['128974848', 128_974_848],
    ['129e6', 129_000_000],
    ['129M', 129_000_000],
    ['100m', 1],
    ['0', 0],
  ])('%s is %d whole units', (text, units) => {
    expect(bytes(text)).toBe(units);
  });

  test.each(['', 'x', '1x', '1 Gi', '--1', '1ki', '1e', 'Mi'])('"%s" is refused by name', (text) => {
    expect(() => parseNano(text)).toThrow(expect.toSatisfy((error) => isNodelessError(error, 'InvalidQuantity')));
  });

  test('what is formatted reads back as the same amount', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (milli, size) => {
        expect(cpuMilli(formatCpu(milli))).toBe(milli);
        expect(bytes(formatBytes(size))).toBe(size);
      }),
    );
  });

  test('a fraction of a unit never rounds down', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 9 }), fc.integer({ min: 1, max: 9 }), (whole, tenth) => {
        expect(bytes(`${whole}.${tenth}`)).toBe(whole + 1);
      }),
    );
  });

  test.each(['-1', '-100m', '8Pi', '9007199254740993', '1e999', '7Ei'])('a machine is never sized by %s', (text) => {
    expect(() => bytes(text)).toThrow(expect.toSatisfy((error) => isNodelessError(error, 'InvalidQuantity')));
  });

  test('every suffix is what it is in Kubernetes', () => {
    const decimal = [...'num', '', ...'kMGTPE'].map((suffix, index) => [suffix, 10n ** BigInt(index * 3)]);
    const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [
      suffix,
      10n ** 9n * 1024n ** BigInt(index + 1),
    ]);
    for (const [suffix, nano] of [...decimal, ...binary]) expect(parseNano(`1${suffix}`), String(suffix)).toBe(nano);
  });
});
