import type { CellClassSpec } from '../core/cell-class.ts';
import type { Offering } from '../core/offerings.ts';
import { matcherOf } from './globs.ts';

/** What of a class excludes a machine; undefined when it may be. */
export type Allowance = (
  of: Pick<Offering, 'launchType' | 'instanceType'>,
) => 'LaunchType' | 'InstanceType' | undefined;

/** Specs never change: an edited class has another. */
const known = new WeakMap<CellClassSpec, Allowance>();

/** Which machines a class allows. */
export function allowanceOf(spec: CellClassSpec): Allowance {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const { launchTypes, instanceTypes } = spec;
  const include = instanceTypes.include && matcherOf(instanceTypes.include);
  const exclude = instanceTypes.exclude && matcherOf(instanceTypes.exclude);
  const allowance: Allowance = ({ launchType, instanceType }) => {
    if (launchTypes.allowed?.includes(launchType) === false) return 'LaunchType';
    return include?.(instanceType) === false || exclude?.(instanceType) === true ? 'InstanceType' : undefined;
  };
  known.set(spec, allowance);
  return allowance;
}
