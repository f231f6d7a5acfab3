// Everything that comes from the cluster is written as text (textContent), never as markup.

/** @typedef {{ name: string, kind?: 'number' | 'time' }} Column */
/** @typedef {{ values: (string | number)[], tone?: string }} Row */
/** @typedef {{ id: string, title: string, columns: Column[], rows: Row[], empty: string, left: number }} Section */
/** @typedef {{ id: string, phase: string, pod: string, type: string, launch: string, zone: string, priceUsd: number, isPriceEstimated?: true,
 *   size: string, cellClass: string, pool?: string, isWarm?: true, at: Record<string, number>, why?: string, reason?: string }} Cell */
/** @typedef {{ node: string, version: string, cells: number, pricePerHourUsd: number }} Overview */
/** @typedef {{ nowMs?: number, parts: Record<string, Section> & { overview?: Overview }, cells: Cell[], gone?: string[] }} Told */

/** The stages of a start: from one moment to the next that is known. */
const STAGES = [
  ['queue', 'requested', 'launching', 'waits for its launch'],
  ['launch', 'launching', 'booting', 'the cloud accepts it'],
  ['boot', 'booting', 'ready', 'its kubelet gets Ready'],
  ['deliver', 'ready', 'running', 'the pod is handed to it'],
  ['start', 'running', 'started', 'images and containers, to the second'],
];
/** Phases in which a start goes on, and the moment that ends the stage. */
const ON_ITS_WAY = ['requested', 'launching', 'booting', 'ready'];
const TONES = new Map([
  ['running', 'good'],
  ['lost', 'bad'],
  ['ending', 'waiting'],
  ['ended', 'waiting'],
]);
/** The columns beside the cells; other tables stand below. */
const BESIDE = ['nodes', 'control-plane', 'workers'];
const PAGE_ROWS = 100;
const RETRY_MS = 5_000;

/** @type {Map<string, Cell>} */
const cells = new Map();
/** Rows that stand in the table, by cell. @type {Map<string, ReturnType<typeof cellRow>>} */
const rows = new Map();
/** @type {Set<string>} */
const expanded = new Set();
/** @type {Map<string, ReturnType<typeof sectionView>>} */
const views = new Map();
/** Undefined while the page stands still. @type {EventSource | undefined} */
let source;
let limit = PAGE_ROWS;
/** What the provider's clock is ahead of this one's. */
let aheadMs = 0;

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Partial<Record<string, string>>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Writes a text where it is another than before: what a screen reader reads stays in place. @param {Node} node @param {string} text */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {HTMLElement} node @param {string | undefined} tone */
function tint(node, tone) {
  if (tone === undefined) delete node.dataset.tone;
  else if (node.dataset.tone !== tone) node.dataset.tone = tone;
}

/** @param {number} ms */
function seconds(ms) {
  const s = Math.max(0, ms) / 1_000;
  return s < 100 ? `${s.toFixed(1)} s` : s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`;
}

/** @param {Column} column @param {string | number} value */
function shown({ kind }, value) {
  return kind === 'time' && typeof value === 'number' ? new Date(value).toLocaleTimeString() : String(value);
}

/** A table that is sent whole when it changes. @param {Section} section */
function sectionView({ id, title, columns, empty }) {
  const body = element('tbody');
  const head = columns.map(({ name, kind }) =>
    element('th', { scope: 'col', class: kind === 'number' ? 'number' : undefined }, name),
  );
  const table = element('table', {}, element('thead', {}, element('tr', {}, ...head)), body);
  const note = element('p', { class: 'empty' }, empty);
  const heading = element('h2', { id: `${id}-title` }, title);
  const scroll = element(
    'div',
    { class: 'scroll', role: 'group', 'aria-labelledby': heading.id, tabindex: '0' },
    table,
  );
  byId(BESIDE.includes(id) ? 'beside' : 'below').append(
    element('section', { id, 'aria-labelledby': heading.id }, heading, scroll, note),
  );
  return {
    /** @param {Section} section */
    show({ rows: told, left }) {
      scroll.hidden = told.length === 0;
      note.hidden = told.length > 0 && left === 0;
      write(note, told.length === 0 ? empty : `${left} more are not shown.`);
      told.forEach(({ values, tone }, at) => {
        const row = body.rows[at] ?? body.appendChild(element('tr'));
        tint(row, tone);
        columns.forEach((column, place) => {
          const cell =
            row.cells[place] ??
            row.appendChild(
              place === 0
                ? element('th', { scope: 'row' })
                : element('td', { class: column.kind === 'number' ? 'number' : undefined }),
            );
          write(cell, shown(column, values[place] ?? ''));
        });
      });
      while (body.rows.length > told.length) body.deleteRow(-1);
    },
  };
}

/** How long each stage took, or has taken until now. @param {Cell} cell */
function stagesOf({ at, phase, isWarm }) {
  const nowMs = Date.now() + aheadMs;
  const told = [];
  for (const [name = '', from = '', to = '', meaning = ''] of STAGES) {
    const fromMs = at[from];
    // Nobody waits for a cell of a pool that is ready.
    if (fromMs === undefined || (isWarm && name === 'deliver')) continue;
    const isNow = phase === from && ON_ITS_WAY.includes(phase);
    const toMs = at[to] ?? (isNow ? nowMs : undefined);
    if (toMs !== undefined)
      told.push({ name, meaning, ms: Math.max(0, toMs - fromMs), isNow: isNow && at[to] === undefined });
  }
  return told;
}

/** @param {Cell} first */
function cellRow(first) {
  const id = first.id;
  const button = element(
    'button',
    { type: 'button', class: 'cell', 'aria-expanded': 'false', 'aria-controls': `${id}-detail` },
    id,
  );
  const [pod, phase, type, launch, price, total] = Array.from({ length: 6 }, () => element('td'));
  price?.classList.add('number');
  const text = element('span');
  const bar = element('div', { class: 'bar', 'aria-hidden': 'true' });
  total?.append(text, bar);
  const row = element(
    'tr',
    {},
    element('th', { scope: 'row' }, button),
    ...[pod, phase, type, launch, price, total].filter((one) => one !== undefined),
  );
  const facts = element('dl');
  const detail = element('tr', { class: 'detail', id: `${id}-detail` }, element('td', { colspan: '7' }, facts));
  detail.hidden = true;
  /** @type {Cell} */
  let cell = first;

  button.addEventListener('click', () => {
    if (!expanded.delete(id)) expanded.add(id);
    time();
  });

  /** @param {string[]} name @param {string[]} value */
  function fact([name = '', className], [value = '']) {
    const term = element('dt', {}, name);
    if (className !== undefined) term.prepend(element('i', { class: className, 'aria-hidden': 'true' }));
    return [term, element('dd', {}, value)];
  }

  /** What changes as time goes. */
  function time() {
    const stages = stagesOf(cell);
    const sumMs = stages.reduce((sum, { ms }) => sum + ms, 0);
    write(text, stages.length === 0 ? 'not known' : seconds(sumMs));
    bar.hidden = stages.length === 0;
    stages.forEach(({ name, ms }, at) => {
      const piece = bar.children[at] ?? bar.appendChild(element('span'));
      piece.className = name;
      if (piece instanceof HTMLElement) piece.style.flexBasis = `${sumMs === 0 ? 0 : (100 * ms) / sumMs}%`;
    });
    while (bar.children.length > stages.length) bar.lastElementChild?.remove();
    const isOpen = expanded.has(id);
    button.setAttribute('aria-expanded', String(isOpen));
    detail.hidden = !isOpen;
    if (!isOpen) return;
    const told = [
      ...stages.map(({ name, meaning, ms, isNow }) =>
        fact([name, name], [`${seconds(ms)}${isNow ? ' until now' : ''}: ${meaning}`]),
      ),
      fact(['zone'], [cell.zone || '–']),
      fact(['size'], [cell.size || '–']),
      fact(['class'], [cell.cellClass || '–']),
      ...(cell.pool === undefined ? [] : [fact(['pool'], [cell.pool])]),
      ...(cell.why === undefined ? [] : [fact(['why'], [cell.why])]),
      ...(cell.reason === undefined ? [] : [fact(['ends'], [cell.reason])]),
    ].flat();
    if (facts.textContent !== told.map((node) => node.textContent).join('')) facts.replaceChildren(...told);
  }

  return {
    row,
    detail,
    get cell() {
      return cell;
    },
    time,
    /** @param {Cell} next */
    show(next) {
      cell = next;
      const values = [
        next.pod,
        next.phase,
        next.type || '–',
        next.launch || '–',
        next.type === '' ? '–' : `${next.priceUsd.toFixed(4)}${next.isPriceEstimated === true ? ' estimated' : ''}`,
      ];
      for (const [at, one] of [pod, phase, type, launch, price].entries())
        if (one !== undefined) write(one, values[at] ?? '');
      if (phase !== undefined) tint(phase, TONES.get(next.phase) ?? 'waiting');
      time();
    },
  };
}

/** When a cell began, as far as that is known. @param {Cell} cell */
function bornMs({ at }) {
  return Math.min(...Object.values(at));
}

/** Brings the table in line with the cells: the newest first, and no more of them than are asked for. */
function showCells() {
  const filter = byId('filter');
  const wanted = filter instanceof HTMLInputElement ? filter.value.trim().toLowerCase() : '';
  const matching = [...cells.values()]
    .filter(({ id, pod, type, phase, launch, zone, cellClass, pool = '' }) =>
      [id, pod, type, phase, launch, zone, cellClass, pool].join(' ').toLowerCase().includes(wanted),
    )
    .sort((a, b) => bornMs(b) - bornMs(a) || a.id.localeCompare(b.id));
  const listed = matching.slice(0, limit);
  const keep = new Set(listed.map(({ id }) => id));
  for (const [id, { row, detail }] of rows) {
    if (keep.has(id)) continue;
    row.remove();
    detail.remove();
    rows.delete(id);
  }
  const body = byId('cell-rows');
  /** @type {Element | null} */
  let place = body.firstElementChild;
  for (const cell of listed) {
    const known = rows.get(cell.id) ?? cellRow(cell);
    rows.set(cell.id, known);
    if (known.cell !== cell || place !== known.row) known.show(cell);
    if (place === known.row) place = known.detail.nextElementSibling;
    else {
      // Moving what has the focus would take it away.
      body.insertBefore(known.row, place);
      body.insertBefore(known.detail, place);
    }
  }
  const count = cells.size === 1 ? '1 cell' : `${cells.size} cells`;
  write(byId('shown'), wanted === '' && listed.length === cells.size ? '' : `${listed.length} of ${count} shown`);
  byId('more').hidden = listed.length === matching.length;
}

/** @param {Overview} overview */
function showOverview({ node, version, cells: count, pricePerHourUsd }) {
  write(byId('node'), node);
  write(byId('version'), `Nodeless ${version}.`);
  write(byId('total-cells'), String(count));
  write(byId('total-price'), `$${pricePerHourUsd.toFixed(4)} an hour`);
  document.title = `${count} cells – ${node} – Nodeless`;
}

/** @param {Told} told */
function take({ nowMs, parts, cells: changed, gone }) {
  if (nowMs !== undefined) aheadMs = nowMs - Date.now();
  const { overview, ...sections } = parts;
  if (overview !== undefined) showOverview(overview);
  for (const section of Object.values(sections)) {
    const view = views.get(section.id) ?? sectionView(section);
    views.set(section.id, view);
    view.show(section);
  }
  // Only a snapshot says nothing of what is gone.
  if (gone === undefined) cells.clear();
  for (const cell of changed) cells.set(cell.id, cell);
  for (const id of gone ?? []) {
    cells.delete(id);
    expanded.delete(id);
  }
  showCells();
}

/** @param {string} text @param {string} tone */
function tell(text, tone) {
  const line = byId('connection');
  write(line, text);
  tint(line, tone);
}

function connect() {
  const opened = new EventSource('events');
  source = opened;
  opened.addEventListener('time', ({ data }) => {
    aheadMs = Number(data) - Date.now();
  });
  for (const name of ['snapshot', 'change']) {
    opened.addEventListener(name, (event) => {
      tell('Live', 'good');
      take(JSON.parse(event.data));
    });
  }
  opened.addEventListener('error', () => {
    tell('Not connected; trying again', 'bad');
    // A browser gives up on an answer that is no stream.
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => source === opened && connect(), RETRY_MS);
  });
}

byId('pause').addEventListener('click', () => {
  const isPaused = source !== undefined;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  source?.close();
  source = undefined;
  if (isPaused) tell('Paused', 'waiting');
  else connect();
});
byId('filter').addEventListener('input', () => {
  limit = PAGE_ROWS;
  showCells();
});
byId('more').addEventListener('click', () => {
  limit += PAGE_ROWS;
  showCells();
});
setInterval(() => {
  if (source === undefined) return;
  for (const { cell, time } of rows.values()) if (ON_ITS_WAY.includes(cell.phase)) time();
}, 1_000);
connect();
