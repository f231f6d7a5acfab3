import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/load.ts';
import { checkInCluster } from '../../../src/install/options.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
const PAGES = ['../README.md', '../CONTRIBUTING.md'];
for await (const page of glob('**/*.md', { cwd: DOCS })) PAGES.push(page);

/** What a heading is linked by. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** Links of a page to files here that are not there, or to headings that they have not. */
async function brokenLinks(page: string, text: string): Promise<readonly string[]> {
  const at = new URL(page, DOCS);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));
  const broken = await Promise.all(
    links.map(async (link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? at : new URL(path, at);
      if (!existsSync(file)) return [link];
      if (anchor === undefined) return [];
      const headings = [...(await readFile(file, 'utf8')).matchAll(/^#+ (.+)$/gm)];
      return headings.some(([, heading = '']) => anchorOf(heading) === anchor) ? [] : [link];
    }),
  );
  return broken.flat();
}

/** The configurations that a page shows, and whether each is for a provider in the cluster. */
function configurations(text: string): readonly { readonly inCluster: boolean; readonly config: object }[] {
  return [...text.matchAll(/```yaml\n(# nodeless\.yaml.*)\n([^`]*)```/g)].map(([, title = '', yaml = '']) => ({
    inCluster: title.startsWith('# nodeless.yaml, in the cluster'),
    config: parse(yaml),
  }));
}

describe('configurations that pages show', () => {
  test.each(['../README', 'install', 'aws-ec2'])('in %s are ones that their command takes', async (page) => {
    const text = await readFile(new URL(`${page}.md`, DOCS), 'utf8');
    const shown = configurations(text);
    for (const { inCluster, config } of shown) (inCluster ? checkInCluster : parseConfig)(config, page);
    const commands = [text.includes('nodeless install --image'), text.includes('\nbin/nodeless run --config')];
    expect([true, false].map((wanted) => shown.some(({ inCluster }) => inCluster === wanted))).toEqual(commands);
  });

  test('one that is not for where it is, is found out', () => {
    const [shown] = configurations('```yaml\n# nodeless.yaml, in the cluster\nprovider: local\n```');
    expect(() => checkInCluster(shown?.config ?? {}, 'x')).toThrow('local cells can not be launched from a pod');
  });
});

describe('pages', () => {
  test.each(PAGES)('%s links to what is there', async (page) => {
    expect(await brokenLinks(page, await readFile(new URL(page, DOCS), 'utf8'))).toEqual([]);
  });

  test('a link to nothing is found out', async () => {
    expect(await brokenLinks('faq.md', '[a](nothing.md) [b](faq.md#nothing) [c](faq.md#questions)')).toEqual([
      'nothing.md',
      'faq.md#nothing',
    ]);
  });
});
