import { admits, type Constraints, labelsOf } from '../core/constraints.ts';
import type { Offering } from '../core/offerings.ts';
import { namesArchitecture } from './query.ts';
import { describeConstraints } from './refusal.ts';

/** A machine that is there, or is chosen already. */
export interface Standing {
  readonly className: string;
  /** Undefined while it is not known. */
  readonly machine?: Pick<Offering, 'arch' | 'instanceType' | 'launchType' | 'zone'>;
}

/** Why a pod may not be on a machine, whatever room that has; undefined when it may. */
export type Admission = (on: Standing) => string | undefined;

/**
 * Judges machines for a pod by the rules that they are chosen by.
 * @param ownArch the architecture of who names none; undefined where the class has no such offerings
 */
export function admissionOf(constraints: readonly Constraints[], ownArch: string | undefined): Admission {
  const onlyArch = namesArchitecture(constraints) ? undefined : ownArch;
  return ({ machine }) => {
    if (machine === undefined) return 'is not chosen yet';
    if (onlyArch !== undefined && machine.arch !== onlyArch)
      return `is ${machine.arch}, and the pod names no architecture`;
    if (constraints.every((one) => admits(one, labelsOf(machine)))) return undefined;
    return `is not ${describeConstraints(constraints).join(' and ')}`;
  };
}

/** The same among machines of the pod's class alone. */
export function withinClass(name: string, admission: Admission): Admission {
  return (on) => (on.className === name ? admission(on) : `is of CellClass ${on.className}, and the pod's is ${name}`);
}
