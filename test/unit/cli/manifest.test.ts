import { describe, expect, test } from 'vitest';
import { objectsOf, readObjects } from '../../../src/cli/plan/documents.ts';
import { checkObject, isForeign } from '../../../src/cli/plan/object-checks.ts';
import { workloadOf } from '../../../src/cli/plan/workloads.ts';

const SPEC = '{containers: [{name: c, resources: {requests: {cpu: 600m, memory: 700Mi}}}]}';

/** As the command reads them. */
function workloads(yaml: string) {
  const objects = objectsOf(yaml, 'x.yaml');
  for (const object of objects) checkObject(object);
  return objects.flatMap((object) => workloadOf(object, 'default') ?? []);
}

describe('a manifest', () => {
  test.each([
    ['Pod', `{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: ${SPEC}}`, 1],
    ['Deployment', `{kind: Deployment, metadata: {name: x}, spec: {replicas: 3, template: {spec: ${SPEC}}}}`, 3],
    ['ReplicaSet', `{kind: ReplicaSet, metadata: {name: x}, spec: {template: {spec: ${SPEC}}}}`, 1],
    [
      'ReplicationController',
      `{kind: ReplicationController, metadata: {name: x}, spec: {replicas: 2, template: {spec: ${SPEC}}}}`,
      2,
    ],
    ['StatefulSet', `{kind: StatefulSet, metadata: {name: x}, spec: {replicas: 0, template: {spec: ${SPEC}}}}`, 0],
    ['DaemonSet', `{kind: DaemonSet, metadata: {name: x}, spec: {template: {spec: ${SPEC}}}}`, 1],
    ['Job', `{kind: Job, metadata: {name: x}, spec: {parallelism: 4, template: {spec: ${SPEC}}}}`, 4],
    ['Job', `{kind: Job, metadata: {name: x}, spec: {parallelism: 4, completions: 3, template: {spec: ${SPEC}}}}`, 3],
    ['CronJob', `{kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {template: {spec: ${SPEC}}}}}}`, 1],
  ])('of a %s gives its pod and how many there are', (kind, yaml, replicas) => {
    const [workload] = workloads(yaml);
    expect(workload).toMatchObject({ kind, name: 'x', namespace: 'default', replicas });
    expect(workload?.pod.spec.containers).toHaveLength(1);
  });

  test('may have several documents, Lists, JSON, and objects without pods', () => {
    const pod = `{apiVersion: v1, kind: Pod, metadata: {name: NAME, namespace: ns}, spec: ${SPEC}}`;
    const list = `{"kind": "List", "items": [{"kind": "Service", "metadata": {"name": "s"}}, ${pod.replace('NAME', 'b')}]}`;
    const found = workloads(`${pod.replace('NAME', 'a')}\n---\n---\n${list}\n`);
    expect(found.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['ns/a', 'ns/b']);
  });

  test.each([
    ['', 'has no Kubernetes objects'],
    ['a: [', 'can not be read'],
    ['just text', 'is no Kubernetes object'],
    ['- 1', 'is no Kubernetes object'],
    ['kind: Pod', 'has a Pod without a name'],
    ['{kind: Deployment, metadata: {name: x}, spec: {}}', 'Deployment x has no containers'],
    ['{kind: Pod, metadata: {name: x}, spec: {containers: many}}', 'Pod x has no containers'],
  ])('%j is refused with what is wrong', (yaml, message) => {
    expect(() => workloads(yaml)).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
    expect(() => workloads(yaml)).toThrow(message);
  });

  test.each([
    ['{kind: Deployment, metadata: {name: x}, spec: {replicas: three}}', 'Deployment x has replicas "three"'],
    ['{kind: Deployment, metadata: {name: x}, spec: {replicas: -1}}', 'has replicas -1, which is a whole number'],
    ['{kind: Job, metadata: {name: x}, spec: {parallelism: 1.5}}', 'has parallelism 1.5'],
    ['{kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {completions: -2}}}}', 'has completions -2'],
    ['{apiVersion: v1, kind: Deployment, metadata: {name: x}}', 'has apiVersion v1, where it is apps/v1'],
    ['{apiVersion: apps/v1, kind: Pod, metadata: {name: x}}', 'has apiVersion apps/v1, where it is v1'],
    ['{kind: Pod, metadata: {name: My_Pod}}', 'Pod My_Pod has a name that Kubernetes refuses'],
    ['{kind: Pod, metadata: {name: x-}}', 'Pod x- has a name that Kubernetes refuses'],
    ['{kind: Pod, metadata: {name: x, namespace: A b}}', 'is in A b, which is no name of a namespace'],
    ['{kind: CellClass, metadata: {name: x}, spec: {budgets: {maxCells: -1}}}', 'spec.budgets.maxCells'],
  ])('%j is refused, as a cluster would refuse it', (yaml, message) => {
    expect(() => workloads(yaml)).toThrow(message);
  });

  test.each([
    ['{apiVersion: apps.kruise.io/v1alpha1, kind: CloneSet, metadata: {name: j}}', true],
    ['{apiVersion: apps.kruise.io/v1beta1, kind: StatefulSet, metadata: {name: j}}', true],
    [`{kind: CloneSet, metadata: {name: j}, spec: {template: {spec: ${SPEC}}}}`, true],
    [`{apiVersion: apps/v1, kind: Deployment, metadata: {name: j}, spec: {template: {spec: ${SPEC}}}}`, false],
    ['{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: j}}', false],
    ['{apiVersion: nodeless.io/v1alpha1, kind: CellClass, metadata: {name: j}}', false],
    ['{apiVersion: v1, kind: Service, metadata: {name: j}}', false],
  ])('%j is said not to be planned where it may make pods in other ways: %j', (yaml, foreign) => {
    expect(objectsOf(yaml, 'x.yaml').map(isForeign)).toEqual([foreign]);
  });

  test('that is generated may end in -', () => {
    const yaml = `{kind: Pod, metadata: {generateName: web-}, spec: ${SPEC}}`;
    expect(workloads(yaml)).toMatchObject([{ name: 'web-' }]);
  });

  test.each([
    ['.', 'is a folder; name one of its files'],
    ['https://example.com/x.yaml', 'is a URL; read it by: curl -s https://example.com/x.yaml |'],
    ['no-such.yaml', 'no-such.yaml can not be read: ENOENT'],
  ])('is not read from %s, and what to do is said', async (file, message) => {
    await expect(readObjects(file)).rejects.toThrow(message);
  });
});
