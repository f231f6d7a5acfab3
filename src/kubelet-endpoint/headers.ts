/** Headers as they came, name and value in turn: what `rawHeaders` of a message holds. */
export type RawHeaders = readonly string[];

/** Meaningful on one connection only (RFC 9110 section 7.6.1), or credentials and claims that are not the cell's. */
const NEVER_TO_A_CELL = new Set([
  'authorization',
  'cookie',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'expect',
  'x-forwarded-for',
]);
const HOP_OF_AN_ANSWER = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
]);

/** A browser's bearer token travels as a WebSocket subprotocol; the cell must not see it. */
const TOKEN_SUBPROTOCOL = /^base64url\.bearer\.authorization\.k8s\.io\./;

function pairsOf(raw: RawHeaders): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2] ?? '', raw[index * 2 + 1] ?? '']);
}

function withoutTokens(protocols: string): string {
  const kept = protocols.split(',').filter((protocol) => !TOKEN_SUBPROTOCOL.test(protocol.trim()));
  return kept.join(',').trim();
}

/** Request headers for a cell: the caller's own, but for credentials, hop-by-hop ones and framing. */
export function requestHeaders(raw: RawHeaders, host: string, upgrade: boolean): string[] {
  const kept = pairsOf(raw).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (NEVER_TO_A_CELL.has(lower) || lower.startsWith('impersonate-') || lower.startsWith('x-remote-')) return [];
    if (!upgrade && (lower === 'connection' || lower === 'upgrade')) return [];
    if (upgrade && lower === 'connection') return [name, 'Upgrade'];
    if (lower !== 'sec-websocket-protocol') return [name, value];
    const protocols = withoutTokens(value);
    return protocols === '' ? [] : [name, protocols];
  });
  return ['Host', host, ...kept];
}

/** Answer headers for the caller: the cell's own, but for hop-by-hop ones. */
export function answerHeaders(raw: RawHeaders): string[] {
  return pairsOf(raw).flatMap((pair) => (HOP_OF_AN_ANSWER.has(pair[0].toLowerCase()) ? [] : pair));
}

/** The head of a 101, exactly as the cell wrote it. */
export function switchingHead(statusMessage: string, raw: RawHeaders): string {
  const lines = pairsOf(raw).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 101 ${statusMessage}\r\n${lines.join('')}\r\n`;
}

/** `address:port` as a URL and a Host header write it. */
export function hostOf(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
