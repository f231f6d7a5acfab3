import { describe, expect, test } from 'vitest';
import type { CellClient } from '../../../src/kubelet-endpoint/cell-client.ts';
import { podUidsOf, uidsIn } from '../../../src/kubelet-endpoint/cell-pods.ts';

const CELL = { cellId: 'cell-1', address: '10.0.0.1', port: 10_250 };

function listOf(...uids: readonly string[]): string {
  return JSON.stringify({ kind: 'PodList', items: uids.map((uid) => ({ metadata: { uid } })) });
}

/** A kubelet that answers with these texts, and not at all on other paths. */
function answering(texts: Readonly<Record<string, string>>): Pick<CellClient, 'fetch'> {
  return {
    fetch: async (_cell, path) => {
      const text = texts[path];
      return text === undefined ? { ok: false, reason: 'no answer' } : { ok: true, body: Buffer.from(text) };
    },
  };
}

describe('the pods that a kubelet has', () => {
  test.each([
    [
      'are those that it was shown and those that run',
      { '/pods': listOf('a'), '/runningpods/': listOf('a', 'b') },
      ['a', 'b'],
    ],
    ['are none where its lists are empty', { '/pods': '{"items":null}', '/runningpods/': '{}' }, []],
    ['are not known by half an answer', { '/pods': listOf('a') }, undefined],
    ['are not known by an answer that no kubelet gives', { '/pods': '<p>', '/runningpods/': listOf('a') }, undefined],
  ])('%s', async (_, texts, uids) => {
    const found = await podUidsOf(answering(texts as Record<string, string>), CELL, new AbortController().signal);
    expect(found && [...found]).toEqual(uids);
  });

  test.each(['', '[]', '1', '{"items":[{}]}', '{"items":[{"metadata":{"uid":3}}]}'])('are not read from %j', (text) => {
    expect(uidsIn(text)).toBeUndefined();
  });
});
