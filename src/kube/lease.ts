import type { Clock } from '../core/clock.ts';
import { call, getOrUndefined, isStatus } from './calls.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

/** A Lease as far as electing a leader goes. */
export interface Lease extends KubeObject {
  readonly spec: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface LeaseRef {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
}

/** Another takes over when it has seen the lease unchanged for so long. */
export const LEASE_MS = 12_000;
/** Well below the time between two renewals. */
const LOOK_EVERY_MS = 500;

function collectionOf({ namespace }: LeaseRef): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

/** The lease, or undefined where there is none. */
export function readLease(ref: LeaseRef, signal: AbortSignal): Promise<Lease | undefined> {
  return getOrUndefined<Lease>(ref.client, `${collectionOf(ref)}/${ref.name}`, signal);
}

/**
 * Who leads by a lease; undefined where nobody does. It is watched until its next renewal, or until it was seen unchanged for as
 * long as lets another take over: what it says of times is its holder's clock, which need not agree with ours.
 */
export async function leaderBy(
  ref: LeaseRef,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const untilMs = clock.now() + LEASE_MS;
  let first: string | undefined;
  for (;;) {
    const { holderIdentity = '', renewTime = '' } = (await readLease(ref, signal))?.spec ?? {};
    if (holderIdentity === '') return undefined;
    first ??= renewTime;
    if (renewTime !== first) return holderIdentity;
    if (clock.now() >= untilMs) return undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** @throws KubeStatusError 409 when somebody else was faster */
export function createLease(ref: LeaseRef, spec: LeaseSpec, signal: AbortSignal): Promise<Lease> {
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: ref.name }, spec };
  return call<Lease>(ref.client, { method: 'POST', path: collectionOf(ref), body, signal });
}

/** Writes the lease over what was read of it. @throws KubeStatusError 409 when it has changed since */
export function writeLease(ref: LeaseRef, read: Lease, spec: LeaseSpec, signal: AbortSignal): Promise<Lease> {
  const body = { ...read, spec: { ...read.spec, ...spec } };
  return call<Lease>(ref.client, { method: 'PUT', path: `${collectionOf(ref)}/${ref.name}`, body, signal });
}

/** Writes these fields whatever the lease says, for a lease that many may renew. @throws KubeStatusError 404 when there is none */
export async function patchLease(ref: LeaseRef, spec: LeaseSpec, signal: AbortSignal): Promise<void> {
  const path = `${collectionOf(ref)}/${ref.name}`;
  const contentType = 'application/merge-patch+json';
  await call(ref.client, { method: 'PATCH', path, contentType, body: { spec }, signal });
}

/** What is known of a renewal: the lease as it is now, or who has it instead. */
export type Renewed = { readonly lease: Lease } | { readonly lostTo: string };

/**
 * Renews a lease that was ours, and never takes it from anybody: whoever had it since may have acted, even if it is free
 * again. It is not read first, since it is nobody else's to write. Each call has its own deadline.
 */
export async function renewLease(
  ref: LeaseRef,
  own: Lease,
  spec: LeaseSpec & { readonly holderIdentity: string },
  deadline: () => AbortSignal,
): Promise<Renewed> {
  try {
    return { lease: await writeLease(ref, own, spec, deadline()) };
  } catch (error) {
    if (!isStatus(error, 409) && !isStatus(error, 404)) throw error;
  }
  // Another wrote it, or a write of ours did whose answer was lost.
  const now = await readLease(ref, deadline());
  const holder = now?.spec.holderIdentity ?? '';
  if (now === undefined || holder !== spec.holderIdentity) return { lostTo: holder === '' ? 'nobody' : holder };
  return { lease: await writeLease(ref, now, spec, deadline()) };
}
