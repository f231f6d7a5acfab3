import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig, parseUnserved } from '../../../src/config/load.ts';
import { virtualNodesOf } from '../../../src/config/virtual-nodes.ts';

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

  test.each([
    [undefined, '127.0.0.1'],
    [null, '127.0.0.1'],
    [{ virtualNode: null }, '127.0.0.1'],
    [{ virtualNode: { name: 'n' } }, '127.0.0.1'],
    [MINIMAL, '10.0.0.1'],
  ])('that nothing is served by needs no address, and keeps the one that it has: %j', (input, address) => {
    expect(parseUnserved(input, 'f.yaml').virtualNode.address).toBe(address);
  });

  test.each([[[]], ['text'], [{ virtualNode: [] }], [{ virtualNode: 'text' }]])(
    'that is none is refused also where it needs no address: %j',
    (input) => {
      expect(() => parseUnserved(input, 'f.yaml')).toThrow(/f.yaml/);
    },
  );

  test.each([
    [{ ...MINIMAL, zones: { names: ['a', 'a'] } }, /zones.names: names a zone twice/],
    [{ ...MINIMAL, zones: { names: ['A'] } }, /zones.names.0: a zone is lower-case/],
    [
      { virtualNode: { address: 'a', name: 'n'.repeat(60) }, zones: { names: ['east'] } },
      /zones.names: the node name n+-east is longer than 63/,
    ],
    [
      { virtualNode: { address: 'a', labels: { 'topology.kubernetes.io/zone': 'x' } }, zones: { names: ['a'] } },
      /virtualNode.labels: topology.kubernetes.io\/zone is the zone of each virtual node; remove it/,
    ],
    [{ ...MINIMAL, zones: { names: ['a', 'b'] }, cellApi: { port: 10_249 } }, /zones.names: each zone takes a port/],
    [{ ...MINIMAL, zones: { names: ['a', 'b'] }, cellApi: { port: 9_442 } }, /zones.names: each zone takes a port/],
    [{ ...MINIMAL, zones: { names: ['a'] }, kubeletEndpoint: { port: 0 } }, /zones.names: each zone takes a port/],
    [{ ...MINIMAL, zones: { names: ['a', 'b'] }, cellApi: { port: 65_535 } }, /zones.names: each zone takes a port/],
  ])('zones that can not be served are refused: %j', (input, message) => {
    expect(() => parseConfig(input, 'f.yaml')).toThrow(message);
  });

  test('each zone has a virtual node of its own, with the ports in the order of the zones', () => {
    const group = 'nodeless';
    expect(virtualNodesOf(parseConfig(MINIMAL, 'test'))).toEqual([
      { name: 'nodeless', group, cellApiPort: 8443, kubeletEndpointPort: 10_250 },
    ]);
    expect(virtualNodesOf(parseConfig({ ...MINIMAL, zones: { names: ['b', 'a'] } }, 'test'))).toEqual([
      { name: 'nodeless-b', group, zone: 'b', cellApiPort: 8443, kubeletEndpointPort: 10_250 },
      { name: 'nodeless-a', group, zone: 'a', cellApiPort: 8444, kubeletEndpointPort: 10_251 },
    ]);
  });

  test('finished pods can keep their cells without limit', () => {
    const config = parseConfig({ ...MINIMAL, cells: { completedLinger: 'unlimited' } }, 'test');
    expect(config.cells.completedLinger).toBe(Number.POSITIVE_INFINITY);
  });

  test('a file that can not be read is named', async () => {
    await expect(loadConfig('/nowhere/nodeless.yaml')).rejects.toThrow('/nowhere/nodeless.yaml can not be read');
  });
});
