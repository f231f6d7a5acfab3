/** The `<item>`s of a list in EC2's XML, with what is before and after them. */
export interface XmlSet {
  readonly before: string;
  readonly items: readonly string[];
  readonly after: string;
}

const OPEN = '<item>';
const CLOSE = '</item>';

/** Takes the list `<name>…</name>` apart; its items may hold lists of their own. */
export function openSet(xml: string, name: string): XmlSet {
  const start = xml.indexOf(`<${name}>`);
  if (start === -1) return { before: xml, items: [], after: '' };
  const items: string[] = [];
  let at = start + name.length + 2;
  const from = at;
  while (xml.startsWith(OPEN, at)) {
    const itemStart = at;
    let depth = 0;
    do {
      const open = xml.indexOf(OPEN, at);
      const close = xml.indexOf(CLOSE, at);
      if (open !== -1 && open < close) {
        depth += 1;
        at = open + OPEN.length;
      } else {
        depth -= 1;
        at = close + CLOSE.length;
      }
    } while (depth > 0);
    items.push(xml.slice(itemStart, at));
  }
  return { before: xml.slice(0, from), items, after: xml.slice(at) };
}

/** The same answer with other items in its list. */
export function withItems({ before, after }: XmlSet, items: readonly string[]): string {
  return before + items.join('') + after;
}

/** The text of the first element of that name. */
export function textOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

/** One page of an answer that holds everything, with the token of the next. */
export function pageOf(whole: XmlSet, set: string, pageSize: number, token: string | undefined): string {
  const from = Number(token ?? 0);
  const items = whole.items.slice(from, from + pageSize);
  const next = from + pageSize < whole.items.length ? `<nextToken>${from + pageSize}</nextToken>` : '';
  return withItems({ ...whole, after: whole.after.replace(`</${set}>`, `</${set}>${next}`) }, items);
}
