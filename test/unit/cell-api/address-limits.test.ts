import { expect, test } from 'vitest';
import { AddressLimits, type Admitted } from '../../../src/cell-api/http/address-limits.ts';
import { ByteAccount } from '../../../src/cell-api/http/byte-account.ts';

const MIB = 1024 * 1024;

/** Opens connections until one is refused; those that were let in, and why the last was not. */
function openAll(
  limits: AddressLimits,
  address: string,
  options: { nowMs?: number; most?: number; each?: (one: Admitted) => void } = {},
) {
  const { nowMs = 0, most = 1_000, each } = options;
  const admitted: Admitted[] = [];
  for (let i = 0; i < most; i += 1) {
    const one = limits.open(address, nowMs);
    if (typeof one === 'string') return { admitted, reason: one };
    each?.(one);
    admitted.push(one);
  }
  return { admitted, reason: undefined };
}

test('one address has 128 connections that have shown no certificate, and another address its own', () => {
  const limits = new AddressLimits();
  const { admitted, reason } = openAll(limits, '10.0.0.1');
  expect([admitted.length, reason]).toEqual([128, 'connection-limit']);
  expect(typeof limits.open('10.0.0.2', 0)).toBe('object');
  admitted[0]?.close();
  expect(typeof limits.open('10.0.0.1', 0)).toBe('object');
});

test('connections of one address are 300 at once and then 20 a second, whatever becomes of them', () => {
  const limits = new AddressLimits();
  const close = ({ close }: Admitted) => close();
  expect(openAll(limits, 'a', { each: close })).toMatchObject({ admitted: { length: 300 }, reason: 'connection-rate' });
  expect(openAll(limits, 'a', { each: close, nowMs: 1_000 }).admitted.length).toBe(20);
});

test('a connection that has shown a cell’s certificate is no stranger’s any more, and is given back once', () => {
  const limits = new AddressLimits();
  const prove = (one: Admitted) => {
    one.prove('cell-a');
    one.prove('cell-a');
  };
  const { admitted } = openAll(limits, 'a', { each: prove, most: 200 });
  expect(admitted.length).toBe(200);
  for (const one of admitted) one.close();
  expect(openAll(limits, 'a', { nowMs: 10_000 }).reason).toBe('connection-limit');
});

test('an address that several cells come from has the rates of so many', () => {
  const limits = new AddressLimits();
  for (const cell of ['a', 'b', 'c', 'd']) openAll(limits, 'proxy', { most: 1, each: (one) => one.prove(cell) });
  const { admitted } = openAll(limits, 'proxy', { most: 2_000, each: ({ close }) => close() });
  expect(admitted.length).toBeGreaterThan(1_100);
});

test('an address may send 16 MiB at once and 1 MiB a second then', () => {
  const limits = new AddressLimits();
  expect(limits.received('a', 16 * MIB, 0)).toBe(true);
  expect(limits.received('a', MIB, 0)).toBe(false);
  expect(limits.received('b', MIB, 0)).toBe(true);
  expect(limits.received('a', MIB, 1_000)).toBe(true);
  expect(limits.received('a', 1, 1_000)).toBe(false);
});

test('an address is forgotten a minute after its last connection', () => {
  const limits = new AddressLimits();
  const { admitted } = openAll(limits, 'a', { most: 1 });
  limits.tick(120_000);
  expect(limits.size).toBe(1);
  for (const one of admitted) one.close();
  limits.tick(30_000);
  expect(limits.size).toBe(1);
  limits.tick(60_000);
  expect(limits.size).toBe(0);
});

test('bytes are bounded for one and for all together, and a refusal charges neither', () => {
  const all = new ByteAccount(15);
  const [one, other] = [new ByteAccount(10, all), new ByteAccount(10, all)];
  expect([one.hold(11), one.hold(10), one.hold(1)]).toEqual([false, true, false]);
  expect([other.hold(6), other.hold(5)]).toEqual([false, true]);
  one.release(10);
  expect([all.heldBytes, other.hold(5)]).toEqual([5, true]);
});
