import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';

const MINIMAL = { virtualNode: { address: '10.0.0.1' } };

describe('configuration', () => {
  test('the defaults are the advertised capacity and the documented durations', () => {
    const config = parseConfig(MINIMAL, 'test');
    expect(config.virtualNode.capacity).toEqual({
      cpu: '1024',
      memory: '4Ti',
      'nvidia.com/gpu': '10',
      pods: '1000',
      'ephemeral-storage': '10Ti',
    });
    expect(config.cells.completedLinger).toBe(60_000);
    expect(config.cells.launchTimeout).toBe(300_000);
  });

  test.each([
    [{ ...MINIMAL, celApi: {} }, 'unknown key "celApi"; did you mean "cellApi"?'],
    [{ virtualNode: { address: 'a', capacty: {} } }, 'unknown key "virtualNode.capacty"; did you mean "capacity"?'],
    [
      { ...MINIMAL, cells: { completdLinger: '1s' } },
      'unknown key "cells.completdLinger"; did you mean "completedLinger"?',
    ],
  ])('an unknown key is named with the nearest right one', (input, message) => {
    expect(() => parseConfig(input, 'f.yaml')).toThrow(message);
  });

  test.each([
    [{ ...MINIMAL, cells: { launchTimeout: 'soon' } }, /cells.launchTimeout: "soon" is not a duration/],
    [
      { virtualNode: { address: 'a', capacity: { cpu: 'many' } } },
      /virtualNode.capacity.cpu: "many" is not a Kubernetes quantity/,
    ],
    [{ ...MINIMAL, kubeletEndpoint: { port: 70_000 } }, /kubeletEndpoint.port/],
    [{}, /virtualNode/],
  ])('a wrong value is named by its path', (input, message) => {
    expect(() => parseConfig(input, 'f.yaml')).toThrow(message);
  });

  test('finished pods can keep their cells without limit', () => {
    const config = parseConfig({ ...MINIMAL, cells: { completedLinger: 'unlimited' } }, 'test');
    expect(config.cells.completedLinger).toBe(Number.POSITIVE_INFINITY);
  });

  test('a file that can not be read is named', async () => {
    await expect(loadConfig('/nowhere/nodeless.yaml')).rejects.toThrow('/nowhere/nodeless.yaml can not be read');
  });
});
