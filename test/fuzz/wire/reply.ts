/** What came back for a request: everything that was read, as text. */
export interface WireReply {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  /** Headers and body of all that was answered. */
  readonly text: string;
}

/** A connection that can be given requests, one or many at a time. */
export interface Wire {
  send(request: WireRequest): Promise<WireReply>;
  close(): void;
}

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
}

export interface WireTarget {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Longer than any answer takes; what takes longer is counted as not answered. */
export const REPLY_TIMEOUT_MS = 15_000;
/** Text of a reply that did not come within that time. */
export const GIVEN_UP = 'given up';
export const CONNECT_TIMEOUT_MS = 5_000;
/** A watch goes on; so much of it is read. */
export const MAX_REPLY_BYTES = 8 * 1024 * 1024;
