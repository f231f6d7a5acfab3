import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** The non-empty lines of a UTF-8 stream, as they come; throws what the stream throws. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') yield part;
  }
  if (rest !== '') yield rest;
}
