import { isObject, type JsonObject } from '../http/body.ts';
import { badRequest } from '../http/refusal.ts';

/**
 * How lists merge, by field name at any depth: by a key of their objects, or as a set of primitives.
 * Lists that are not named are replaced.
 */
export type MergeRules = Readonly<Record<string, { readonly key: string } | 'set'>>;

/** `patchMergeKey`s of Node and of what else a kubelet patches on its own objects (k8s.io/api v0.34). */
export const NODE_MERGE_RULES: MergeRules = {
  conditions: { key: 'type' },
  addresses: { key: 'type' },
  ownerReferences: { key: 'uid' },
  finalizers: 'set',
  podCIDRs: 'set',
  drivers: { key: 'name' },
};

const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch; neither argument is changed.
 * The directives are those of k8s.io/apimachinery/pkg/util/strategicpatch.
 * @throws Refusal 400 for a patch that is malformed
 */
export function strategicMerge(original: JsonObject, patch: JsonObject, rules: MergeRules): JsonObject {
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === 'replace') return withoutDirectives(changes);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest('the patch has an unknown $patch directive');
  const result: JsonObject = { ...original };
  for (const key of Object.keys(result)) {
    if (Array.isArray(retained) && !retained.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else result[key] = mergeValue(result[key], value, rules, key);
  }
  applyListDirectives(result, changes, rules);
  return result;
}

/** A field may have the name of something that every object inherits. */
function ruleOf(rules: MergeRules, field: string): MergeRules[string] | undefined {
  return Object.hasOwn(rules, field) ? rules[field] : undefined;
}

function mergeValue(old: unknown, value: unknown, rules: MergeRules, field: string): unknown {
  if (isObject(value)) return strategicMerge(isObject(old) ? old : {}, value, rules);
  if (!Array.isArray(value)) return value;
  const rule = ruleOf(rules, field);
  if (rule === undefined) return value;
  const existing = Array.isArray(old) ? old : [];
  if (rule === 'set') return [...new Set([...existing, ...value])];
  return mergeByKey(existing, value, rule.key, rules);
}

function mergeByKey(old: readonly unknown[], patch: readonly unknown[], key: string, rules: MergeRules): unknown[] {
  const items = patch.map((item) => {
    if (!isObject(item)) throw badRequest('the patch of a keyed list has an element that is not an object');
    return item;
  });
  if (items.some((item) => item.$patch === 'replace')) {
    return items.filter((item) => item.$patch === undefined).map(withoutDirectives);
  }
  let result = [...old];
  for (const item of items) {
    const id = item[key];
    if (id === undefined) throw badRequest(`the patch of a list has an element without its key ${key}`);
    const at = result.findIndex((other) => isObject(other) && other[key] === id);
    if (item.$patch === 'delete') result = result.filter((other) => !(isObject(other) && other[key] === id));
    else if (at === -1) result.push(withoutDirectives(item));
    else result[at] = strategicMerge(result[at] as JsonObject, item, rules);
  }
  return result;
}

function applyListDirectives(result: JsonObject, changes: JsonObject, rules: MergeRules): void {
  for (const [directive, value] of Object.entries(changes)) {
    if (!Array.isArray(value)) continue;
    if (directive.startsWith(DELETE_PRIMITIVES)) {
      const field = directive.slice(DELETE_PRIMITIVES.length);
      const list = result[field];
      if (Array.isArray(list)) result[field] = list.filter((item) => !value.includes(item));
    } else if (directive.startsWith(ORDER)) {
      const field = directive.slice(ORDER.length);
      const list = result[field];
      if (Array.isArray(list)) result[field] = inOrder(list, value, ruleOf(rules, field));
    }
  }
}

/** Elements that the order names come first, in that order; the others keep theirs. */
function inOrder(list: readonly unknown[], order: readonly unknown[], rule: MergeRules[string] | undefined): unknown[] {
  const idOf = (item: unknown): unknown =>
    rule !== undefined && rule !== 'set' && isObject(item) ? item[rule.key] : item;
  const wanted = order.map(idOf);
  const place = (item: unknown): number => {
    const at = wanted.indexOf(idOf(item));
    return at === -1 ? wanted.length : at;
  };
  return [...list].sort((a, b) => place(a) - place(b));
}

function withoutDirectives(value: JsonObject): JsonObject {
  const plain: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key.startsWith('$') || item === null) continue;
    plain[key] = isObject(item) ? withoutDirectives(item) : item;
  }
  return plain;
}

/** RFC 7386: null deletes, objects merge, anything else replaces. */
export function jsonMerge(original: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...original };
  for (const [key, value] of Object.entries(patch)) {
    const old = result[key];
    if (value === null) delete result[key];
    else result[key] = isObject(value) ? jsonMerge(isObject(old) ? old : {}, value) : value;
  }
  return result;
}
