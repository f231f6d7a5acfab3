import { dnsCheck, networkCheck, versionCheck } from './cluster-checks.ts';
import { examined, type Finding, type Outcome, type Patient } from './finding.ts';
import { ownPermissions, providerPermissions } from './permission-checks.ts';
import { certificateCheck, logsCheck, nodeCheck } from './provider-checks.ts';
import { webhookCheck } from './webhook-check.ts';

/** What is looked at, in the order in which one thing needs another. */
const CHECKS: readonly (readonly [name: string, look: (patient: Patient) => Promise<Finding>])[] = [
  ['version', versionCheck],
  ['your permissions', ownPermissions],
  ['permissions', providerPermissions],
  ['virtual node', nodeCheck],
  ['webhooks', webhookCheck],
  ['serving certificate', certificateCheck],
  ['logs', logsCheck],
  ['DNS', dnsCheck],
  ['CNI', networkCheck],
];

/** Looks at everything, whatever of it fails. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  return Promise.all(CHECKS.map(([name, look]) => examined(name, () => look(patient))));
}

const SIGNS: Readonly<Record<Outcome, string>> = { ok: '✓', warning: '!', failed: '✗', unknown: '?' };

/** The findings for people: a line each, and below what mends it. Pure. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, outcome, detail, fix }) => [
    `${SIGNS[outcome]} ${check.padEnd(width)}  ${detail}`,
    ...(fix === undefined ? [] : [`  ${' '.repeat(width)}  → ${fix}`]),
  ]);
  return `${lines.join('\n')}\n`;
}

/** 0 when nothing is wrong, 1 when something is, 2 when something could not be looked at. Pure. */
export function exitCodeOf(findings: readonly Finding[]): number {
  const has = (outcome: Outcome) => findings.some((finding) => finding.outcome === outcome);
  return has('failed') ? 1 : has('unknown') ? 2 : 0;
}
