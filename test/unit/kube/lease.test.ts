import { expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kube/client.ts';
import { LEASE_MS, type LeaseSpec, leaderBy } from '../../../src/kube/lease.ts';
import { eagerClock } from '../../support/eager-clock.ts';

const LONG_AGO = '2001-01-01T00:00:00.000000Z';
const { signal } = new AbortController();

/** Who leads by a lease that says this after so many milliseconds, and how long that took to tell. */
async function told(specAt: (ms: number) => LeaseSpec | undefined) {
  const clock = eagerClock();
  const request = async () => {
    const spec = specAt(clock.now());
    const body = Buffer.from(JSON.stringify({ spec }));
    return { status: spec === undefined ? 404 : 200, contentType: 'application/json', body };
  };
  const ref = { client: { request } as unknown as KubeClient, namespace: 'one', name: 'nodeless-n' };
  return [await leaderBy(ref, { clock, signal }), clock.now()];
}

test('who renews a lease leads, however wrong its clock is', async () => {
  const renewed = (ms: number) => ({ holderIdentity: 'a', renewTime: ms < 2_000 ? LONG_AGO : `${LONG_AGO}+` });
  expect(await told(renewed)).toEqual(['a', 2_000]);
});

test('who has not renewed it for as long as lets another take over leads no more, however young it says it is', async () => {
  expect(await told(() => ({ holderIdentity: 'a', renewTime: '2099-01-01T00:00:00.000000Z' }))).toEqual([
    undefined,
    LEASE_MS,
  ]);
});

test('nobody leads by a lease that is not there, or that was given up', async () => {
  expect(await told(() => undefined)).toEqual([undefined, 0]);
  expect(await told((ms) => ({ holderIdentity: ms < 1_000 ? 'a' : '', renewTime: LONG_AGO }))).toEqual([
    undefined,
    1_000,
  ]);
});
