const MOST_BYTES_OF_ONE = 4;

/** The first characters of a body, at most so many; no more of it is read than they may take. */
export async function beginningOf(body: AsyncIterable<Buffer>, mostCharacters: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostCharacters * MOST_BYTES_OF_ONE) break;
  }
  // What is cut within a character where reading ended is left out.
  const text = new TextDecoder().decode(Buffer.concat(chunks), { stream: true });
  return [...text].slice(0, mostCharacters).join('');
}
