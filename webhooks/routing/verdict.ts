import type { Constraints } from '../../src/core/constraints.ts';
import type { Decision } from '../../src/core/decision.ts';
import { VIRTUAL_NODE_LABEL } from '../../src/core/names.ts';
import { type Tie, tiesOf } from '../../src/core/node-ties.ts';
import { placementOf } from '../../src/core/placement-label.ts';
import { type AdmittedPod, daemonSetOf, type Routed } from './admitted-pod.ts';
import type { ClusterFacts, RoutingRules } from './facts.ts';
import { isToBeKeptOff } from './keeping-off.ts';
import { liftSpec } from './spec-lift.ts';
import { nodeNames, ofCells, ofNodeCell, type Target } from './target.ts';

/** Where a pod goes, and why. */
export interface Verdict {
  readonly decision: Decision;
  /** One word, of few: a metric is counted by it. */
  readonly reason: string;
  /** Which field or object it was. */
  readonly detail?: string;
  /** Of a pod that is sent to the virtual node: its fields without what was lifted, and that. */
  readonly lifted?: { readonly routed: Routed; readonly constraints: Constraints };
  /** Of a pod that is left: it could be scheduled to the virtual node, and the scheduler has to be told. */
  readonly isKeptOff?: boolean;
}

/** What one pod is judged by. `routed` are its fields as they were before any earlier review. */
export interface Case {
  readonly pod: AdmittedPod;
  readonly namespace: string;
  readonly routed: Routed;
  readonly rules: RoutingRules;
  readonly facts: ClusterFacts;
}

type Row = (one: Case) => Verdict | undefined;

const MIRROR = 'kubernetes.io/config.mirror';
const SOURCE = 'kubernetes.io/config.source';

/** 1. The system's and our own namespaces; pods of a node's own folder; pods that another virtual node has. */
const excluded: Row = ({ namespace, routed, rules, facts }) => {
  if (rules.excludedNamespaces.includes(namespace)) return { decision: 'untouched', reason: 'namespace' };
  const { [MIRROR]: mirror, [SOURCE]: source = 'api' } = routed.annotations;
  if (mirror !== undefined || source !== 'api') return { decision: 'untouched', reason: 'static-pod' };
  const other = routed.nodeSelector[VIRTUAL_NODE_LABEL];
  return other === undefined || other === facts.target().name
    ? undefined
    : { decision: 'untouched', reason: 'other-node' };
};

/** 2. Labels, as told. */
const labelled: Row = (one) => {
  switch (placementFor(one)) {
    case 'ignore':
      return { decision: 'untouched', reason: 'label' };
    case 'node':
      return stays(one, 'label');
    case 'cell':
      return insisting(one);
    default:
      return undefined;
  }
};

/** 3. A DaemonSet's pods are bound by their controller; only those for the virtual node are ours to judge. */
const ofDaemonSet: Row = ({ pod, namespace, facts }) => {
  const owner = daemonSetOf(pod);
  if (owner === undefined) return undefined;
  if (!isBoundTo(pod, facts.target())) return { decision: 'untouched', reason: 'daemonset' };
  return { decision: facts.daemonSetPolicy(namespace, owner.name), reason: 'daemonset' };
};

/** 4. What is tied to its node. */
const stateful: Row = (one) => {
  const [tie] = tiesOf(one.pod.spec, one.rules.csiDrivers);
  return tie && stays(one, tie.kind, tie.field);
};

/** 5. What the virtual node is excluded by, and what needs a protection that cells don't give; 6. all the rest. */
const stateless: Row = (one) => unsheltered(one) ?? onCell(one, 'stateless');

/** The table of routing: the first row that has a verdict gives it. */
const TABLE: readonly Row[] = [excluded, labelled, ofDaemonSet, stateful, stateless];

/** Judges a pod. Pure. */
export function judge(one: Case): Verdict {
  for (const row of TABLE) {
    const verdict = row(one);
    if (verdict !== undefined) return verdict.decision === 'leave' ? left(one, verdict) : verdict;
  }
  return { decision: 'untouched', reason: 'none' };
}

function left(one: Case, verdict: Verdict): Verdict {
  const { pod, routed, facts } = one;
  const isForbidden = verdict.reason === 'label' || unsheltered(one) !== undefined;
  return isToBeKeptOff({ pod, routed, target: facts.target(), isForbidden })
    ? { ...verdict, isKeptOff: true }
    : verdict;
}

function placementFor({ pod, namespace, facts }: Case) {
  return placementOf(pod.metadata.labels ?? {}, facts.namespaceLabels(namespace));
}

/** The daemon controller names the node in a term's matchFields, as does who sets spec.nodeName. */
function isBoundTo({ spec }: AdmittedPod, target: Target): boolean {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(({ matchFields }) => matchFields ?? []);
  const names = fields.flatMap(({ operator, values }) => (operator === 'In' ? (values ?? []) : []));
  return nodeNames(target).some((name) => spec.nodeName === name || names.includes(name));
}

/** What no cell can have, the node cell can't have either: its Node is that of all cells. */
function impossibleTie({ pod, rules }: Case): Tie | undefined {
  return tiesOf(pod.spec, rules.csiDrivers).find(({ impossible }) => impossible);
}

/** Stays on a node: a regular one, or the node cell where it can be there and the virtual node is not excluded. */
function stays(one: Case, reason: string, detail?: string): Verdict {
  const more = detail === undefined ? {} : { detail };
  const isWanted = one.rules.statefulPlacement === 'node-cell' && impossibleTie(one) === undefined;
  const mayGo = isWanted && !isUnshelteredOnNodeCell(one) && excludedBy(one) === undefined;
  const goes = mayGo && !('excludedBy' in liftSpec(one.routed, ofNodeCell(one.facts.target())));
  if (!goes) return { decision: 'leave', reason, ...more };
  return { decision: 'node-cell', reason, ...more, lifted: { routed: one.routed, constraints: {} } };
}

/** A field other than those that are lifted, which keeps the pod from the virtual node. */
function excludedBy({ pod: { spec }, rules, facts }: Case): string | undefined {
  const { nodeName = '' } = spec;
  if (nodeName !== '' && !nodeNames(facts.target()).includes(nodeName)) return 'spec.nodeName';
  const { schedulerName = 'default-scheduler' } = spec;
  if (!rules.schedulers.includes(schedulerName)) return 'spec.schedulerName';
  if ((spec.resourceClaims ?? []).length > 0) return 'spec.resourceClaims';
  const { os } = spec as { readonly os?: { readonly name?: string } };
  return os?.name === undefined || os.name === 'linux' ? undefined : 'spec.os';
}

function isUnshelteredOnNodeCell({ pod, namespace, facts }: Case): boolean {
  const policy = facts.networkPolicy(namespace, pod.metadata.labels ?? {});
  return policy !== undefined && !facts.nodeCellEnforcesNetworkPolicy();
}

function unsheltered({ pod, namespace, facts }: Case): Verdict | undefined {
  const podLabels = pod.metadata.labels ?? {};
  const policy = facts.networkPolicy(namespace, podLabels);
  if (policy === undefined) return undefined;
  return facts.enforcesNetworkPolicy(namespace, podLabels)
    ? undefined
    : { decision: 'leave', reason: 'networkpolicy', detail: policy };
}

function onCell(one: Case, reason: string): Verdict {
  const field = excludedBy(one);
  if (field !== undefined) return { decision: 'leave', reason: 'selector', detail: field };
  const lifted = liftSpec(one.routed, ofCells(one.facts.target()));
  if ('excludedBy' in lifted) return { decision: 'leave', reason: 'selector', detail: lifted.excludedBy };
  return { decision: 'cell', reason, lifted };
}

/** A pod that asks for a cell has one unless it can't be; a separate webhook refuses it then. */
function insisting(one: Case): Verdict | undefined {
  if (daemonSetOf(one.pod) !== undefined) return undefined;
  const tie = impossibleTie(one);
  if (tie !== undefined) return { decision: 'leave', reason: tie.kind, detail: tie.field };
  return unsheltered(one) ?? onCell(one, 'label');
}
