import { afterEach, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, trySend, get, apply } = toolsOf(CLUSTER);

const SHAPE = { cpu: '250m', memory: '256Mi' };

function warmPool(name: string, spec: object): object {
  return { apiVersion: 'nodeless.io/v1alpha1', kind: 'WarmPool', metadata: { name }, spec };
}

describe('a WarmPool', () => {
  afterEach(() => kubectl('delete', 'warmpools', '--all', '--wait'));

  test.each([
    [{ shape: SHAPE, min: 3, max: 2 }, 'has a min above its max; lower min'],
    [{}, 'has neither shape nor selector; give the size'],
    [{ shape: SHAPE, launchTypes: ['fargate'] }, 'names fargate, whose tasks'],
    [{ shape: SHAPE, min: 1, budget: { maxPricePerHourUsd: 0 } }, 'has a budget of 0, and a min above it'],
    [{ shape: { cpu: '1' } }, 'spec.shape.memory: Required value'],
    [{ shape: SHAPE, startupSla: { percentile: 100 } }, 'spec.startupSla.percentile'],
    [{ shape: SHAPE, startupSla: { target: 'soon' } }, 'spec.startupSla.target'],
    [{ shape: SHAPE, unknown: 1 }, 'unknown field "spec.unknown"'],
  ])('%j is refused by its definition', async (spec, message) => {
    const refused = await trySend(warmPool('wrong', spec), 'create', '-f', '-');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(message);
  });

  test('that its definition can not judge is refused by the webhook, with the field and the remedy', async () => {
    const refused = await trySend(warmPool('wrong', { shape: { cpu: '0', memory: '1Gi' } }), 'create', '-f', '-');
    expect(refused.stderr).toContain('spec.shape has no CPU or no memory; name what a pod of the pool requests');
  });

  test('has a scale with a selector from the first moment on, and is listed with what it is for', async () => {
    await apply(warmPool('idle', { shape: SHAPE, max: 0 }));
    const path = '/apis/nodeless.io/v1alpha1/warmpools/idle/scale';
    const scale = JSON.parse(await kubectl('get', '--raw', path)) as { status: { selector: string } };
    expect(scale.status.selector).toContain('nodeless.io/pool');
    const { spec } = await get<{ spec: object }>('warmpool', 'idle');
    expect(spec).toMatchObject({ startupSla: { target: '5s', percentile: 95 }, min: 0, budget: {} });
  });
});
