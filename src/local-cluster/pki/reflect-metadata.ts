/**
 * The three functions of the reflect-metadata polyfill that tsyringe, under @peculiar/x509, calls.
 * Importing this module defines them where they are missing; it must be imported before @peculiar/x509.
 */
interface ReflectWithMetadata {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

const metadata = new WeakMap<object, Map<unknown, unknown>>();

function getOwn(key: unknown, target: object): unknown {
  return metadata.get(target)?.get(key);
}

function get(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
    if (metadata.get(at)?.has(key)) return getOwn(key, at);
  }
  return undefined;
}

function define(key: unknown, value: unknown, target: object): void {
  const own = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, own.set(key, value));
}

const reflect = Reflect as ReflectWithMetadata;
if (reflect.getMetadata === undefined) {
  reflect.getMetadata = get;
  reflect.getOwnMetadata = getOwn;
  reflect.defineMetadata = define;
}
