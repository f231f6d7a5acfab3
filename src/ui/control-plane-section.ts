import type { ApiServerHealth } from './api-server-health.ts';
import { type Row, type Section, sectionOf } from './section.ts';

export interface ControlPlaneFacts {
  /** Undefined until the API server was asked. */
  readonly apiServer?: ApiServerHealth;
  /** The virtual nodes of the configuration, the one that is led among them. */
  readonly virtualNodes: readonly { readonly name: string; readonly ready: boolean; readonly led: boolean }[];
  /** False while the lease can not be renewed. */
  readonly mayAct: boolean;
  /** Name of the provider that launches cells. */
  readonly provider: string;
  readonly version: string;
  /** Cells whose kubelets are served, and how many of them are Ready. */
  readonly kubelets: { readonly served: number; readonly ready: number };
}

function apiServerRows(health: ApiServerHealth | undefined): readonly Row[] {
  if (health === undefined) return [{ values: ['API server', 'not asked yet', ''], tone: 'waiting' }];
  const { answers, version = '', passed, failed, etcd, reason } = health;
  if (!answers) return [{ values: ['API server', 'does not answer', reason ?? ''], tone: 'bad' }];
  const checks = failed.length > 0 ? `fails: ${failed.join(', ')}` : (reason ?? `${passed} checks pass`);
  const server: Row = {
    values: ['API server', failed.length > 0 ? 'not ready' : 'ready', `${version}, ${checks}`],
    tone: failed.length > 0 ? 'bad' : 'good',
  };
  if (etcd === undefined) return [server];
  const store: Row = {
    values: ['etcd', etcd ? 'ready' : 'not ready', 'as the API server finds it'],
    tone: etcd ? 'good' : 'bad',
  };
  return [server, store];
}

/** The second column: what the virtual node stands on, as far as whoever leads it can see. */
export function controlPlaneSection(facts: ControlPlaneFacts): Section {
  const { mayAct, provider, version, kubelets, virtualNodes } = facts;
  const lead: Row = mayAct
    ? { values: ['Nodeless', 'leads', `${version}, provider ${provider}`], tone: 'good' }
    : {
        values: ['Nodeless', 'can not renew its lease', 'cells are served; nothing is launched or ended'],
        tone: 'bad',
      };
  const { served, ready } = kubelets;
  return sectionOf(
    {
      id: 'control-plane',
      title: 'Control plane',
      columns: [{ name: 'Component' }, { name: 'State' }, { name: 'What' }],
      empty: 'Nothing is known.',
    },
    [
      ...apiServerRows(facts.apiServer),
      lead,
      ...virtualNodes.map(
        ({ name, ready: isReady, led }): Row => ({
          values: [`Node ${name}`, isReady ? 'Ready' : 'not Ready', led ? 'this virtual node' : 'of another zone'],
          tone: isReady ? 'good' : 'bad',
        }),
      ),
      { values: ['Cell API', 'serves', `${ready} of ${served} kubelets Ready`] },
    ],
  );
}
