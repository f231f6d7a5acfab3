import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeOf, subresourcesOf } from '../../../src/kubelet-endpoint/route.ts';

describe('routes of a kubelet', () => {
  test.each([
    ['/containerLogs/ns/pod/c?follow=true', 'containerLogs', '/containerLogs/ns/pod/c', '?follow=true'],
    ['/exec/ns/pod/c?command=ls', 'exec', '/exec/ns/pod/c', '?command=ls'],
    ['/exec/ns/pod/uid-1/c', 'exec', '/exec/ns/pod/uid-1/c', ''],
    ['/attach/ns/a.b-c.d/c', 'attach', '/attach/ns/a.b-c.d/c', ''],
    ['/portForward/ns/pod', 'portForward', '/portForward/ns/pod', ''],
    ['/portForward/ns/pod/uid-1', 'portForward', '/portForward/ns/pod/uid-1', ''],
    ['/exec/n%73/pod/c', 'exec', '/exec/ns/pod/c', ''],
  ])('%s', (target, kind, path, query) => {
    expect(routeOf(target)).toMatchObject({ kind, query, pod: { path } });
  });

  test.each([
    ['?cell=cell-1', '', 'cell-1'],
    ['?follow=true&cell=cell-1&tailLines=5', '?follow=true&tailLines=5', 'cell-1'],
    ['?follow=true&xcell=cell-1', '?follow=true&xcell=cell-1', undefined],
  ])('the query %s goes on as %j, to the cell %s', (asked, query, cellId) => {
    expect(routeOf(`/containerLogs/ns/pod/c${asked}`)).toMatchObject({ query, ...(cellId && { cellId }) });
  });

  test.each([
    '/exec/ns/pod/c/../../other/c',
    '/exec/ns/..%2fother/c',
    '/exec/ns/%2e%2e/c',
    '/exec/ns/pod%2fx/c',
    '/exec/ns/pod/c%00',
    '/exec/ns/pod/%zz',
    '/exec/ns//c',
    '/exec//pod/c',
    '/exec/ns/pod',
    '/exec/ns/pod/uid/c/more',
    '/exec/NS/pod/c',
    '/exec/ns/pod/c%0d%0aHost:x',
    '/exec/ns/pod/u%2fid/c',
    '/containerLogs/ns/pod/uid/c',
    '/containerLogs/ns/pod/',
    '/portForward/ns',
    '/logs/console/',
    '/logs/console/..',
    '/logs/console/%2e%2e',
    '/containerLogs/ns/pod/c?cell=',
    '/containerLogs/ns/pod/c?cell=..',
    '/containerLogs/ns/pod/c?cell=a&cell=b',
    `/portForward/ns/${'a'.repeat(254)}`,
    'http://elsewhere/exec/ns/pod/c',
    '*',
  ])('%s names no pod', (target) => {
    expect(routeOf(target).kind).toBe('malformed');
  });

  test.each([
    ['/pods', ['pods', 'proxy']],
    ['/runningpods/', ['pods', 'proxy']],
    ['/healthz', ['healthz', 'proxy']],
    ['/healthz/syncloop', ['healthz', 'proxy']],
    ['/configz', ['configz', 'proxy']],
    ['/stats/summary', ['stats']],
    ['/metrics', ['metrics']],
    ['/metrics/cadvisor', ['metrics']],
    ['/metrics/slis', ['metrics']],
    ['/logs/', ['log']],
    ['/logs/console/cell-1', ['log']],
    ['/checkpoint/ns/pod/c', ['checkpoint']],
    ['/exec/ns/pod/c', ['proxy']],
    ['/containerLogs/ns/pod/c', ['proxy']],
    ['/run/ns/pod/c', ['proxy']],
    ['/debug/pprof/', ['proxy']],
    ['/anything', ['proxy']],
    ['/met%72ics', ['proxy']],
    ['//metrics', ['proxy']],
    ['/metricsx', ['proxy']],
  ])('%s is authorized as %j', (target, subresources) => {
    expect(subresourcesOf(routeOf(target))).toEqual(subresources);
  });

  test('what goes to a cell is always the path of names without tricks', () => {
    fc.assert(
      fc.property(fc.constantFrom('exec', 'attach', 'portForward', 'containerLogs'), fc.string(), (kind, rest) => {
        const route = routeOf(`/${kind}/${rest}`);
        if (!('pod' in route)) return;
        expect(route.pod.path).toMatch(/^\/[a-zA-Z]+(\/[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?){2,4}$/);
        expect(route.pod.path).not.toContain('..');
      }),
    );
  });
});
