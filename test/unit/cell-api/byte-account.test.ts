import { expect, test } from 'vitest';
import { ByteAccount } from '../../../src/cell-api/http/byte-account.ts';
import { StrangerBodies } from '../../../src/cell-api/http/stranger-bodies.ts';
import { createSession, createSharedAccounts } from '../../../src/cell-api/session.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

test('bytes are bounded for one and for all together, and a refusal charges neither', () => {
  const all = new ByteAccount(15);
  const [one, other] = [new ByteAccount(10, all), new ByteAccount(10, all)];
  expect([one.hold(11), one.hold(10), one.hold(1)]).toEqual([false, true, false]);
  expect([other.hold(6), other.hold(5)]).toEqual([false, true]);
  one.release(10);
  expect([all.heldBytes, other.hold(5)]).toEqual([5, true]);
});

test('one’s own first bytes are charged to nobody else, in whatever pieces they come and go', () => {
  const all = new ByteAccount(10);
  const one = new ByteAccount(30, all, 4);
  expect([one.hold(3), all.heldBytes, one.hold(3), all.heldBytes]).toEqual([true, 0, true, 2]);
  expect([one.hold(9), one.hold(8), all.heldBytes]).toEqual([false, true, 10]);
  expect([new ByteAccount(30, all, 4).hold(4), new ByteAccount(30, all, 4).hold(5)]).toEqual([true, false]);
  one.release(11);
  expect(all.heldBytes).toBe(0);
  one.release(3);
  expect([one.heldBytes, all.heldBytes]).toEqual([0, 0]);
});

test.each(['unread', 'bodies'] as const)('cells that fill all of "%s" leave each other cell its first MiB', (what) => {
  const shared = createSharedAccounts();
  for (let i = 0; i < 64; i += 1) {
    const { [what]: account } = createSession(`hostile-${i}`, shared);
    for (let j = 0; account.hold(MIB) && j < 64; j += 1);
  }
  const { [what]: honest } = createSession('honest', shared);
  expect([honest.hold(MIB), honest.hold(2 * MIB)]).toEqual([true, false]);
});

test('strangers of one address hold 256 KiB of bodies, of all addresses 4 MiB', () => {
  const bodies = new StrangerBodies();
  expect([bodies.of('10.0.0.1', 0).hold(256 * KIB), bodies.of('10.0.0.1', 0).hold(1)]).toEqual([true, false]);
  expect(bodies.of('10.0.0.2', 0).hold(16 * KIB)).toBe(true);
  const held = Array.from({ length: 20 }, (_, i) => bodies.of(`10.0.1.${i}`, 0).hold(256 * KIB));
  expect(held.filter(Boolean).length).toBe(14);
});

test('an address is remembered while it holds bodies, and a minute longer than it may take to send one', () => {
  const bodies = new StrangerBodies();
  bodies.of('a', 0).hold(1);
  bodies.tick(120_000);
  expect(bodies.size).toBe(1);
  bodies.of('a', 120_000).release(1);
  bodies.tick(179_000);
  expect(bodies.size).toBe(1);
  bodies.tick(180_000);
  expect(bodies.size).toBe(0);
});
