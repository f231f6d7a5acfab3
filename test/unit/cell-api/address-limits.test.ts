import { expect, test } from 'vitest';
import { AddressLimits, type Admitted } from '../../../src/cell-api/http/address-limits.ts';
import { isLoopback, sourceOf } from '../../../src/core/address-source.ts';

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

/** A connection that is let in, and a cell's where one is given. */
function open(limits: AddressLimits, address: string, cellId?: string, nowMs = 0): Admitted {
  const one = limits.open(address, nowMs);
  if (typeof one === 'string') throw new Error(one);
  if (cellId !== undefined) expect(one.prove(cellId, nowMs)).toBeUndefined();
  return one;
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
    one.prove('cell-a', 0);
    one.prove('cell-a', 0);
  };
  const { admitted } = openAll(limits, 'a', { each: prove, most: 200 });
  expect(admitted.length).toBe(200);
  for (const one of admitted) one.close();
  expect(openAll(limits, 'a', { nowMs: 10_000 }).reason).toBe('connection-limit');
});

test('an address that several cells come from has the rates and the strangers of so many', () => {
  const limits = new AddressLimits();
  for (const cell of ['a', 'b', 'c', 'd']) open(limits, 'proxy', cell);
  const { admitted } = openAll(limits, 'proxy', { most: 2_000, each: ({ close }) => close() });
  expect(admitted.length).toBeGreaterThan(1_100);
  const half = openAll(limits, 'proxy', { nowMs: 60_000 });
  expect([half.admitted.length, half.reason]).toEqual([4 * 128, 'connection-limit']);
});

test('a stranger’s address may send 16 MiB at once and 1 MiB a second then; what was too much is made up for', () => {
  const limits = new AddressLimits();
  const one = open(limits, 'a');
  expect(one.received(16 * MIB, 0)).toBe(true);
  expect(open(limits, 'b').received(MIB, 0)).toBe(true);
  expect(one.received(MIB, 1_000)).toBe(true);
  expect(one.received(9 * MIB, 1_000)).toBe(false);
  expect(one.received(1, 9_999)).toBe(false);
  expect(one.received(0, 11_000)).toBe(true);
});

test('what a closed connection has sent is held against the next ones, which are not let in meanwhile', () => {
  const limits = new AddressLimits();
  const one = open(limits, 'a');
  one.received(20 * MIB, 0);
  one.close();
  limits.tick(0);
  expect(limits.open('a', 3_900)).toBe('receive-rate');
  expect(typeof limits.open('b', 3_900)).toBe('object');
  expect(typeof limits.open('a', 4_000)).toBe('object');
});

test('a cell that sends too much is held off wherever it comes from, and neither its neighbours nor strangers are', () => {
  const limits = new AddressLimits();
  const [hostile, honest, stranger] = [open(limits, 'proxy', 'a'), open(limits, 'proxy', 'b'), open(limits, 'proxy')];
  expect(hostile.received(20 * MIB, 0)).toBe(false);
  expect([honest.received(MIB, 0), stranger.received(MIB, 0)]).toEqual([true, true]);
  hostile.close();
  limits.tick(0);
  expect(open(limits, 'elsewhere').prove('a', 3_900)).toBe('receive-rate');
  expect(open(limits, 'elsewhere').prove('a', 4_000)).toBeUndefined();
});

test('an address and a cell are forgotten when they are gone and have made up for what they did', () => {
  const limits = new AddressLimits();
  const one = open(limits, 'a', 'cell-a');
  one.received(30 * MIB, 0);
  limits.tick(120_000);
  expect(limits.size).toBe(1);
  one.close();
  limits.tick(120_000);
  expect(limits.size).toBe(0);
  const stranger = open(limits, 'a');
  stranger.received(30 * MIB, 0);
  stranger.close();
  limits.tick(29_000);
  expect(limits.size).toBe(1);
  limits.tick(30_000);
  expect(limits.size).toBe(0);
});

test('an IPv6 host has one source, whichever address of its /64 it uses', () => {
  const limits = new AddressLimits();
  expect(openAll(limits, '2001:db8:1:2::1').admitted.length).toBe(128);
  expect(limits.open('2001:db8:1:2:a:b:c:d', 0)).toBe('connection-limit');
  expect(typeof limits.open('2001:db8:1:3::1', 0)).toBe('object');
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ['64:ff9b::10.0.0.1', '64:ff9b:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is counted with %s', (address, source) => {
  expect(sourceOf(address)).toBe(source);
});

test('only the loopback addresses are this machine’s own', () => {
  expect(['127.0.0.1', '::ffff:127.0.0.1', '::1'].map(isLoopback)).toEqual([true, true, true]);
  expect(['127.0.0.2', '10.0.0.1', '::', '::ffff:10.0.0.1'].some(isLoopback)).toBe(false);
});
