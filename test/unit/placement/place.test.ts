import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { mayNeedNodeCell, type PlaceRules, placeOf } from '../../../src/placement/place.ts';
import { podOf } from './pods.ts';

function owned(annotations: Record<string, string> = {}, more = {}): WirePod {
  const pod = podOf('agent-x');
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true, ...more },
  ];
  return { ...pod, metadata: { ...pod.metadata, annotations, ownerReferences } };
}

function daemonSet(annotations: Record<string, string> = {}, uid = 'ds'): KubeObject {
  return { metadata: { name: 'agent', namespace: 'ns', uid, annotations } };
}

const AGENT_NAMESPACES = ['kube-system'];
const NONE: PlaceRules = { daemonSet: () => undefined, agentNamespaces: AGENT_NAMESPACES };
const ofPolicy = (annotations: Record<string, string> = {}, uid = 'ds'): PlaceRules => ({
  daemonSet: () => daemonSet(annotations, uid),
  agentNamespaces: AGENT_NAMESPACES,
});

/** As the node cell takes stateful pods, in a namespace with these labels. */
function taking(labels?: Record<string, string>): PlaceRules {
  const namespace = () => labels && { metadata: { name: 'ns', labels } };
  return { ...NONE, nodeCell: { namespace, csiDrivers: [] } };
}

function asking(labels: Record<string, string> = {}, volumes: object[] = []): WirePod {
  const pod = podOf('p');
  const annotations = { 'nodeless.io/decision': 'node-cell: host-path' };
  const spec = { ...pod.spec, volumes } as WirePod['spec'];
  return { ...pod, spec, metadata: { ...pod.metadata, labels, annotations } };
}

const INJECT = { 'nodeless.io/daemonset-policy': 'inject' };
const RECORD = { type: 'nodeless.io/CellReady', status: 'False', reason: 'Injected' };
const HOST_PATH = [{ name: 'data', hostPath: { path: '/data' } }];
const STAYS = { 'nodeless.io/placement': 'node' };

describe('where a pod runs', () => {
  test.each([
    ['it is tied to a node', asking({}, HOST_PATH), taking({}), 'node-cell'],
    ['its label says node', asking(STAYS), taking({}), 'node-cell'],
    ['its namespace’s label says node', asking(), taking(STAYS), 'node-cell'],
    ['nothing ties it there but its annotation', asking(), taking({}), 'cell'],
    ['its own label says cell', asking({ 'nodeless.io/placement': 'cell' }), taking(STAYS), 'cell'],
    ['its namespace is not known yet', asking(), taking(), undefined],
    ['the node cell takes no stateful pods', asking(STAYS, HOST_PATH), NONE, 'cell'],
  ])('is not told by its annotation alone: %s', (_, pod, rules, place) => {
    expect(placeOf(pod, rules)).toBe(place);
  });

  test('is a cell for all that asks for none, tied as it may be', () => {
    const pod = asking(STAYS, HOST_PATH);
    expect(placeOf({ ...pod, metadata: { ...pod.metadata, annotations: {} } }, taking({}))).toBe('cell');
  });

  test.each([
    ['another kind of that name', { apiVersion: 'apps.kruise.io/v1alpha1' }],
    ['an owner that does not control it', { controller: false }],
  ])('is a cell for a pod of %s', (_, more) => {
    expect(placeOf(owned({}, more), ofPolicy())).toBe('cell');
  });

  test.each([
    [undefined, 'cell'],
    ['cell: stateless', 'cell'],
    ['nonsense', 'cell'],
  ])('is told by routing’s annotation %s', (decision, place) => {
    const pod = podOf('p');
    const annotations = decision === undefined ? {} : { 'nodeless.io/decision': decision };
    expect(placeOf({ ...pod, metadata: { ...pod.metadata, annotations } }, NONE)).toBe(place);
  });

  test.each([
    [{}, 'absorbed'],
    [{ 'nodeless.io/daemonset-policy': 'node-cell' }, 'node-cell'],
    [{ 'nodeless.io/daemonset-policy': 'inject' }, 'not-injected'],
    [{ 'nodeless.io/daemonset-policy': 'nonsense' }, 'absorbed'],
  ])('is the DaemonSet’s policy for its pods (%j)', (annotations, place) => {
    expect(placeOf(owned(), ofPolicy(annotations))).toBe(place);
  });

  test.each([
    ['asks for it, in a namespace that may have agents', ofPolicy(INJECT), ['ns'], [], 'every-cell'],
    ['asks for it, in another namespace', ofPolicy(INJECT), ['kube-system'], [], 'not-injected'],
    ['does not ask for it any more, but its pod is an agent', ofPolicy(), ['ns'], [RECORD], 'every-cell'],
    ['is gone, and its pod is an agent', NONE, ['ns'], [RECORD], 'every-cell'],
    ['has an agent, and its namespace may have none any more', ofPolicy(INJECT), [], [RECORD], 'not-injected'],
    ['is another of that name', ofPolicy(INJECT, 'other'), ['ns'], [], undefined],
  ])('for the pod of a DaemonSet that %s', (_, rules, agentNamespaces, conditions, place) => {
    expect(placeOf({ ...owned(), status: { conditions } }, { ...rules, agentNamespaces })).toBe(place);
  });

  test('is not every cell for what only says that it is an agent', () => {
    expect(placeOf({ ...podOf('p'), status: { conditions: [RECORD] } }, { ...NONE, agentNamespaces: ['ns'] })).toBe(
      'cell',
    );
  });

  test('is not what a DaemonSet’s pod says of itself', () => {
    const pod = owned({ 'nodeless.io/decision': 'node-cell: x', 'nodeless.io/daemonset-policy': 'node-cell' });
    expect(placeOf(pod, ofPolicy())).toBe('absorbed');
  });

  test('is not known while the DaemonSet is not, or is another of that name', () => {
    expect(placeOf(owned(), NONE)).toBeUndefined();
    expect(placeOf(owned(), ofPolicy({}, 'other'))).toBeUndefined();
  });

  test('may be the node cell for whoever asks, and for a DaemonSet’s pods, whatever their policy is by now', () => {
    const asking = { ...podOf('p'), metadata: { name: 'p', annotations: { 'nodeless.io/decision': 'node-cell: x' } } };
    expect([podOf('p'), asking, owned()].map(mayNeedNodeCell)).toEqual([false, true, true]);
  });
});
