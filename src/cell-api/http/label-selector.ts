import { badRequest } from './refusal.ts';

type Requirement = (labels: Readonly<Record<string, string>>) => boolean;

/** A compiled label selector. */
export interface LabelSelector {
  /** The selector's text; `` selects everything. */
  readonly text: string;
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
}

const KEY = '[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?';
const VALUE = '[A-Za-z0-9._-]*';
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);
const EQUALS = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`);
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([A-Za-z0-9._,\\s-]*)\\)$`);

/** Of the whole selector, which is matched with every object; kube-proxy's has 100. */
const MAX_LENGTH = 1_024;

function requirement(term: string): Requirement {
  const exists = EXISTS.exec(term);
  if (exists?.[2] !== undefined) {
    const key = exists[2];
    const wanted = exists[1] === '';
    return (labels) => Object.hasOwn(labels, key) === wanted;
  }
  const equals = EQUALS.exec(term);
  if (equals?.[1] !== undefined) {
    const [, key, operator, value] = equals;
    const wanted = operator !== '!=';
    return (labels) => (Object.hasOwn(labels, key) && labels[key] === value) === wanted;
  }
  const set = SET.exec(term);
  if (set?.[1] !== undefined) {
    const key = set[1];
    const values = new Set((set[3] ?? '').split(',').map((value) => value.trim()));
    const wanted = set[2] === 'in';
    return (labels) => (Object.hasOwn(labels, key) && values.has(labels[key] ?? '')) === wanted;
  }
  throw badRequest('label selector is not one that this server understands');
}

/** Terms are separated by commas outside parentheses. */
function termsOf(text: string): string[] {
  const terms: string[] = [];
  let begin = 0;
  let inside = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') inside = true;
    else if (text[at] === ')') inside = false;
    else if (text[at] === ',' && !inside) {
      terms.push(text.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return [...terms, text.slice(begin).trim()];
}

/** Compiles Kubernetes' label selector syntax. @throws Refusal 400 */
export function parseLabelSelector(text: string): LabelSelector {
  const trimmed = text.trim();
  if (trimmed.length > MAX_LENGTH) throw badRequest(`label selector is longer than ${MAX_LENGTH} characters`);
  const requirements = trimmed === '' ? [] : termsOf(trimmed).map(requirement);
  return { text: trimmed, matches: (labels = {}) => requirements.every((holds) => holds(labels)) };
}
