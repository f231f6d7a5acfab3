/**
 * The three functions of the Reflect metadata API that tsyringe, under @peculiar/x509, insists on. Own metadata only:
 * the library injects no constructor parameters. Import this module before the library.
 */
type Metadata = Map<unknown, unknown>;

interface ReflectMetadata {
  getMetadata?: (key: unknown, target: object) => unknown;
  getOwnMetadata?: (key: unknown, target: object) => unknown;
  defineMetadata?: (key: unknown, value: unknown, target: object) => void;
}

const reflect = Reflect as ReflectMetadata;

if (reflect.getMetadata === undefined) {
  const store = new WeakMap<object, Metadata>();
  const get = (key: unknown, target: object): unknown => store.get(target)?.get(key);
  reflect.getMetadata = get;
  reflect.getOwnMetadata = get;
  reflect.defineMetadata = (key, value, target) => {
    const metadata = store.get(target) ?? new Map<unknown, unknown>();
    store.set(target, metadata.set(key, value));
  };
}

export {};
