import type { TestProject } from 'vitest/node';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { AUDIT_POLICY, denials, readAuditLog, requestsOfProvider } from '../support/audit.ts';

export const CLUSTER = 'outages';

declare module 'vitest' {
  interface ProvidedContext {
    cluster: LocalCluster;
  }
}

/** A control plane whose audit log has what providers asked for; each file starts the providers that it needs. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { signal } = new AbortController();
  const cluster = await up({
    name: CLUSTER,
    replace: true,
    signal,
    auditPolicy: AUDIT_POLICY,
    progress: ({ step, detail }) => console.log(`${step}: ${detail}`),
  });
  project.provide('cluster', cluster);
  return async () => {
    const refused = denials(requestsOfProvider(await readAuditLog(CLUSTER)));
    await down({ name: CLUSTER });
    const left = await leftovers({ name: CLUSTER });
    if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`);
    if (refused.length > 0) throw new Error(`the API server denied the provider:\n${refused.join('\n')}`);
  };
}
