import type { KubeResponse } from '../../kube/client.ts';
import type { OpenWatch } from '../watch/open-watch.ts';
import { Refusal } from './refusal.ts';

/** A finished answer. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer | string;
  readonly contentType?: string;
}

/** A watch: the server opens the stream, and `begin` writes what is due from the start. */
export interface WatchAnswer {
  /** Clients that ask for it get a bookmark about once a minute; called only while caches are at rest. */
  readonly bookmark?: () => Buffer | undefined;
  /** Called every few seconds; false ends the watch, since the cell may not see this any more. */
  readonly review?: () => boolean;
  /** Sends the first events and subscribes to more; returns what ends the subscription. */
  readonly begin: (watch: OpenWatch) => () => void;
}

export type Reply = Answer | { readonly watch: WatchAnswer };

/** An object as an answer. */
export function answer(object: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(object) };
}

/** Upstream's answer, byte for byte. What upstream holds against the provider is not the cell's to read. */
export function relayed(response: KubeResponse): Answer {
  if (response.status === 401) throw new Refusal(500, 'the provider was refused by the API server');
  return { status: response.status, body: response.body, contentType: response.contentType || 'application/json' };
}
