/**
 * How Node.js runs a provider. Room for more young objects: they are collected a quarter as often, and fewer of them are still in
 * use then, so that requests wait less for it (docs/benchmarks.md, webhook).
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=64'];
