import type { TestProject } from 'vitest/node';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { up } from '../../src/local-cluster/up.ts';
import { AUDIT_POLICY, denials, readAuditLog, requestsOfProvider } from '../support/audit.ts';

export const CLUSTER = 'e2e';

/** Short waits, so that tests of what happens in the end need not wait for it. */
export const CONFIG = {
  cells: {
    completedLinger: '5s',
    orphanAfter: '5s',
    censusEvery: '1s',
    silentAfter: '40s',
    nodeCell: { linger: '15s' },
    agents: { patience: '8s' },
  },
  logLevel: 'debug',
};

/** One real control plane and one provider for all e2e files; everything must be gone at the end, and nothing have been denied. */
export async function setup(_project: TestProject): Promise<() => Promise<void>> {
  const { signal } = new AbortController();
  const cluster = await up({
    name: CLUSTER,
    replace: true,
    auditPolicy: AUDIT_POLICY,
    signal,
    progress: ({ step, detail }) => console.log(`${step}: ${detail}`),
  });
  await startProvider({ cluster, signal, config: CONFIG });
  return async () => {
    const events = await readAuditLog(CLUSTER).finally(() => down({ name: CLUSTER }));
    const left = await leftovers({ name: CLUSTER });
    if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`);
    const refused = denials(requestsOfProvider(events));
    if (refused.length > 0) throw new Error(`the API server denied the provider:\n${refused.join('\n')}`);
  };
}
