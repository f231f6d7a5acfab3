import type { Ec2Machine } from '../instances/machine.ts';
import { TAG } from '../instances/tags.ts';

/**
 * Machines that a launch brought and nobody has assigned to a cell, as when the process died between the two. They are
 * given to the next launches of their kind; whoever lists them meanwhile tells of them by their own ids.
 */
export class Spares {
  readonly #byKind = new Map<string, Ec2Machine[]>();
  readonly #underWay = new Set<string>();
  /** Those that one launch has, and has not assigned yet: a list meanwhile does not know. */
  readonly #taken = new Set<string>();

  /** A launch has begun: its machines are about to be assigned. */
  begin(launchId: string): void {
    this.#underWay.add(launchId);
  }

  finish(launchId: string): void {
    this.#underWay.delete(launchId);
  }

  /** Whether a machine has no cell, and none under way. */
  isSpare({ tags, machine }: Ec2Machine): boolean {
    const isAlive = machine.state === 'launching' || machine.state === 'running';
    return tags[TAG.cell] === undefined && isAlive && !this.#underWay.has(tags[TAG.launch] ?? '');
  }

  /** Whether a machine has no cell yet, and will have one presently. */
  isUnderWay({ tags, instanceId }: Ec2Machine): boolean {
    if (tags[TAG.cell] !== undefined) return false;
    return this.#underWay.has(tags[TAG.launch] ?? '') || this.#taken.has(instanceId);
  }

  /** Takes what is spare of these machines into account, in place of what was before. */
  renew(machines: readonly Ec2Machine[]): void {
    this.#byKind.clear();
    for (const one of machines) {
      if (!this.isSpare(one) || this.#taken.has(one.instanceId)) continue;
      const kind = one.tags[TAG.kind] ?? '';
      const known = this.#byKind.get(kind) ?? [];
      this.#byKind.set(kind, [...known, one]);
    }
  }

  /** One that is nobody else's until it is released. */
  take(kind: string): Ec2Machine | undefined {
    const spare = this.#byKind.get(kind)?.pop();
    if (spare !== undefined) this.#taken.add(spare.instanceId);
    return spare;
  }

  /** It was assigned, or is none after all. */
  release(instanceId: string): void {
    this.#taken.delete(instanceId);
  }

  /** The machine ends: nobody is to have it. */
  drop(instanceId: string): void {
    for (const [kind, machines] of this.#byKind) {
      const left = machines.filter((one) => one.instanceId !== instanceId);
      if (left.length < machines.length) this.#byKind.set(kind, left);
    }
  }
}
