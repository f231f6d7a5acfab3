import { describe, expect, test } from 'vitest';
import { createExposition } from '../../../src/kubelet-endpoint/exposition.ts';
import { samplesOf } from '../../../src/kubelet-endpoint/exposition-lines.ts';

function merged(onDuplicate: 'first' | 'sum', ...texts: string[]): string {
  const exposition = createExposition();
  texts.forEach((text, index) => {
    for (const sample of samplesOf(text)) exposition.add(`cell-${index}`, sample, onDuplicate);
  });
  return exposition.render();
}

describe('reading an exposition', () => {
  test('names, labels, values and timestamps are kept as they are', () => {
    const text = '# HELP a b\\\\c\n# TYPE a counter\na{x="1",y="q\\"u\\\\o\\nte, }",} 1.5e+09 1700000000000\n';
    const [sample] = [...samplesOf(text)];
    expect(sample).toMatchObject({ name: 'a', value: '1.5e+09', timestamp: '1700000000000' });
    expect(sample?.family).toEqual({ name: 'a', type: 'counter', help: 'b\\\\c' });
    expect([...(sample?.labels ?? [])]).toEqual([
      ['x', '1'],
      ['y', 'q\\"u\\\\o\\nte, }'],
    ]);
  });

  test.each([
    'a{x="1} 1',
    'a{x=1} 1',
    'a{x="1"y="2"} 1',
    'a{x="1",x="2"} 1',
    'a{x="\\q"} 1',
    'a{1x="1"} 1',
    'a one',
    'a 0x10',
    'a 1 2 3',
    'a 1 1.5',
    '1a 1',
    `a{x="${'y'.repeat(20_000)}"} 1`,
    'a{x="1"} 1 # {trace="x"} 1',
  ])('%s is left out', (line) => {
    expect([...samplesOf(`${line}\nb 1\n`)].map(({ name }) => name)).toEqual(['b']);
  });

  test.each(['NaN', '+Inf', '-Inf', '-1', '.5', '1.', '1e-3'])('%s is a value', (value) => {
    expect([...samplesOf(`a ${value}`)].map((sample) => sample.value)).toEqual([value]);
  });

  test('a long line of backslashes is read in no time', () => {
    const begun = performance.now();
    expect([...samplesOf(`a{x="${'\\\\'.repeat(8_000)} 1\n`)]).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(200);
  });
});

describe('merging expositions', () => {
  test('each family has one HELP and TYPE, and each series is there once', () => {
    const one = '# HELP m Help.\n# TYPE m gauge\nm{pod="a",ns="n"} 1\n';
    const two = '# HELP m Help.\n# TYPE m gauge\nm{pod="b",ns="n"} 2\nm{ns="n",pod="a"} 9\n';
    expect(merged('first', one, two)).toBe(
      '# HELP m Help.\n# TYPE m gauge\nm{ns="n",pod="a"} 1\nm{ns="n",pod="b"} 2\n',
    );
  });

  test('series that come twice can be added up', () => {
    expect(merged('sum', 'm 1 100', 'm 2.5 300', 'm 1 200')).toBe('# TYPE m untyped\nm 4.5 300\n');
  });

  test('the parts of a histogram stay under its name', () => {
    const text = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n';
    expect(merged('first', text)).toBe(text);
  });

  test('a source that lies about a type loses its own series, and no one else does', () => {
    const liar = '# TYPE m histogram\nm 5\nm_bucket{le="1",pod="x"} 1\n';
    const honest = (pod: string) => `# TYPE m counter\nm{pod="${pod}"} 1\n`;
    expect(merged('first', liar, honest('a'), honest('b'))).toBe('# TYPE m counter\nm{pod="a"} 1\nm{pod="b"} 1\n');
  });

  test('of as many sources for one type as for another none is believed, whoever came first', () => {
    const [one, other] = ['# TYPE m gauge\nm{pod="a"} 1\n', '# TYPE m counter\nm{pod="b"} 1\n'];
    expect([merged('first', one, other, 'n 1\n'), merged('first', other, one, 'n 1\n')]).toEqual(
      Array(2).fill('# TYPE n untyped\nn 1\n'),
    );
  });
});
