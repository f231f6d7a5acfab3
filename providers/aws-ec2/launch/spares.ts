import type { Ec2Machine } from '../instances/machine.ts';
import { TAG } from '../instances/tags.ts';

/**
 * Machines that a launch brought and nobody has assigned to a cell, as when the process died between the two. They are
 * given to the next launches of their kind; whoever lists them meanwhile tells of them by their own ids.
 */
export class Spares {
  readonly #byKind = new Map<string, Ec2Machine[]>();
  readonly #underWay = new Set<string>();

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
  isUnderWay({ tags }: Ec2Machine): boolean {
    return tags[TAG.cell] === undefined && this.#underWay.has(tags[TAG.launch] ?? '');
  }

  /** Takes what is spare of these machines into account, in place of what was before. */
  renew(machines: readonly Ec2Machine[]): void {
    this.#byKind.clear();
    for (const one of machines) {
      if (!this.isSpare(one)) continue;
      const kind = one.tags[TAG.kind] ?? '';
      const known = this.#byKind.get(kind) ?? [];
      this.#byKind.set(kind, [...known, one]);
    }
  }

  take(kind: string): Ec2Machine | undefined {
    return this.#byKind.get(kind)?.pop();
  }

  /** The machine ends: nobody is to have it. */
  drop(instanceId: string): void {
    for (const [kind, machines] of this.#byKind) {
      const left = machines.filter((one) => one.instanceId !== instanceId);
      if (left.length < machines.length) this.#byKind.set(kind, left);
    }
  }
}
