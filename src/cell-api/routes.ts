import type { CellHandler, RequestContext } from './context.ts';
import type { Reply } from './http/answer.ts';
import { forbidden, Refusal } from './http/refusal.ts';
import type { Target, Verb } from './http/target.ts';

/** Verbs that a resource has here, and who answers. */
export interface Route {
  readonly verbs: readonly Verb[];
  readonly handle: CellHandler;
}

/** A resource that also callers without a certificate may reach; it settles by itself who they are. */
export interface OpenRoute {
  readonly verbs: readonly Verb[];
  readonly handleOpen: (context: RequestContext) => Promise<Reply>;
}

/** Routes by `group/version/resource[/subresource]`; the core group is ``. */
export type Routes = ReadonlyMap<string, readonly (Route | OpenRoute)[]>;

export const READ: readonly Verb[] = ['get', 'list', 'watch'];

function routeKey({ group, version, resource, subresource }: Target): string {
  return `${group}/${version}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** Metric label of a target: only what is routed has its own. */
export function resourceLabel(routes: Routes, target: Target): string {
  const { resource, subresource } = target;
  if (!routes.has(routeKey(target))) return 'other';
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}

/** Hands a request to its route. @throws Refusal 401 without a cell, 403 for whatever has no route */
export async function dispatch(routes: Routes, context: RequestContext): Promise<Reply> {
  const { caller } = context;
  const route = routes.get(routeKey(context.target))?.find(({ verbs }) => verbs.includes(context.verb));
  if (route !== undefined && 'handleOpen' in route) return route.handleOpen(context);
  if (caller.kind === 'anonymous') throw new Refusal(401, 'Unauthorized', { denial: 'no-credentials' });
  if (caller.kind === 'bootstrap') throw forbidden('token-scope');
  if (route === undefined) throw forbidden('not-allowed');
  return route.handle({ ...context, cell: caller.cell, session: caller.session });
}
