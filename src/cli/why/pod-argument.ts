import { NodelessError } from '../../core/errors.ts';

/** The name of the pod that is asked about: `web`, or `pod/web` as kubectl prints it. @throws NodelessError ConfigInvalid */
export function podNameOf(argument: string): string {
  const name = argument.replace(/^(po|pod|pods)\//, '');
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return name;
  const message = `${argument} is no name of a pod; it is NAME or pod/NAME`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}
