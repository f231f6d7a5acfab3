import { type LabelSelector, parseLabelSelector } from './label-selector.ts';
import { badRequest, expired, Refusal } from './refusal.ts';

/** `field=value`, or `field!=value` when not `equal`. */
interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** The query of a list or watch, checked. */
export interface ListOptions {
  readonly watch: boolean;
  /** Field selector terms; all of them hold. */
  readonly fields: readonly FieldTerm[];
  readonly labels: LabelSelector;
  /** `` means: from now, or whatever is at hand. */
  readonly resourceVersion: string;
  readonly allowBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

const KNOWN = new Set([
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'pretty',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeout',
  'timeoutSeconds',
  'watch',
]);

const MAX_FIELDS = 10;

function isTrue(value: string | null): boolean {
  return value === '' || value === '1' || value?.toLowerCase() === 'true';
}

function parseFields(selector: string | null): FieldTerm[] {
  const terms = (selector ?? '').split(',', MAX_FIELDS + 1).filter((part) => part !== '');
  if (terms.length > MAX_FIELDS) throw badRequest(`field selector has more than ${MAX_FIELDS} terms`);
  return terms.map((term) => {
    const match = /^([A-Za-z.]+)(=|==|!=)([A-Za-z0-9._:~-]*)$/.exec(term);
    if (match?.[1] === undefined) throw badRequest('field selector is not supported');
    return { field: match[1], equal: match[2] !== '!=', value: match[3] ?? '' };
  });
}

function parseWholeNumber(value: string | null, name: string): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^\d{1,18}$/.test(value)) throw badRequest(`${name} is not a whole number`);
  return Number(value);
}

/**
 * Reads the query of a list or watch. Whatever would change the answer and is not implemented is refused,
 * never ignored.
 * @throws Refusal 400, 410 for a continuation (all answers are one page), 422 for `sendInitialEvents`
 */
export function parseListOptions(query: URLSearchParams): ListOptions {
  for (const key of new Set(query.keys())) {
    if (!KNOWN.has(key)) throw badRequest('query has a parameter that is not supported');
    if (query.getAll(key).length > 1) throw badRequest('query has a parameter twice');
  }
  if (query.has('sendInitialEvents')) {
    throw new Refusal(422, 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
  }
  if ((query.get('continue') ?? '') !== '') throw expired();
  const resourceVersion = query.get('resourceVersion') ?? '';
  if (!/^\d{0,20}$/.test(resourceVersion)) throw badRequest('resourceVersion is not one of this server');
  parseWholeNumber(query.get('limit'), 'limit');
  return {
    watch: query.has('watch') && isTrue(query.get('watch')),
    fields: parseFields(query.get('fieldSelector')),
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    resourceVersion,
    allowBookmarks: query.has('allowWatchBookmarks') && isTrue(query.get('allowWatchBookmarks')),
    timeoutSeconds: parseWholeNumber(query.get('timeoutSeconds'), 'timeoutSeconds'),
  };
}

/** The value of the only field that may be selected on, or undefined when there is no selector; others are refused. */
export function onlyField({ fields }: ListOptions, field: string): string | undefined {
  const [term, ...others] = fields;
  if (term === undefined) return undefined;
  if (others.length > 0 || term.field !== field || !term.equal) {
    throw badRequest(`field selector supports only ${field}=VALUE here`);
  }
  return term.value;
}
