import { describe, expect, test } from 'vitest';
import type { LaunchType, Offering } from '../../../src/core/offerings.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { alternativesTo } from '../../../src/placement/alternatives.ts';
import { pick } from '../../../src/placement/choose.ts';
import { OfferingTable } from '../../../src/placement/offering-table.ts';
import { cellClass } from '../../support/cell-class.ts';

const SMALL = resourcesOf({ cpu: '1', memory: '1Gi' });
const LARGE = resourcesOf({ cpu: '2', memory: '4Gi' });
const CLASS = cellClass();

function offering(instanceType: string, usd: number, more: Partial<Offering> = {}): Offering {
  const size = { capacity: LARGE, allocatable: LARGE };
  const launchType: LaunchType = 'ec2-spot';
  return {
    instanceType,
    launchType,
    zone: 'a',
    arch: 'amd64',
    ...size,
    pricePerHourUsd: usd,
    available: true,
    ...more,
  };
}

const OFFERINGS = [
  offering('cheapest', 1),
  offering('other-zone', 1.05, { zone: 'b' }),
  offering('on-demand', 1.1, { launchType: 'ec2-on-demand' }),
  offering('small', 1.1, { allocatable: SMALL }),
  offering('arm', 1.1, { arch: 'arm64' }),
  offering('lacking', 1.15),
  offering('as-dear-as-may-be', 1.2),
  offering('too-dear', 1.21),
];

/** Types that may be had in place of what is chosen for a cell of a class. */
function alternatives(more: { spec?: object; left?: number; offerings?: readonly Offering[] } = {}) {
  const spec = cellClass(more.spec as never).spec;
  const offered = new OfferingTable(more.offerings ?? OFFERINGS).ofClass(spec);
  const room = { cells: 10, pricePerHourUsd: more.left ?? 100 };
  const query = { need: LARGE, cellClass: { ...CLASS, spec }, constraints: [], arch: 'amd64', room };
  const canBeHad = ({ offering: one }: { offering: Offering }) => one.instanceType !== 'lacking';
  const { entry } = pick(query, offered, canBeHad);
  if (entry === undefined) throw new Error('nothing is chosen');
  const found = alternativesTo(entry, query, offered, canBeHad);
  return [entry.offering.instanceType, ...found.map(({ instanceType }) => instanceType)];
}

describe('what may be had in place of the cheapest spot offering', () => {
  test('is what will do as well, can be had, and costs at most a fifth more', () => {
    expect(alternatives()).toEqual(['cheapest', 'other-zone', 'as-dear-as-may-be']);
  });

  test('is within the budget too', () => {
    expect(alternatives({ left: 1.06 })).toEqual(['cheapest', 'other-zone']);
  });

  test('is nothing where what is chosen is no spot', () => {
    expect(alternatives({ spec: { launchTypes: { allowed: ['ec2-on-demand'] } } })).toEqual(['on-demand']);
  });

  test('is found also where a class prefers another launch type that can not be had', () => {
    const preferring = { launchTypes: { preferred: ['ec2-on-demand'] } };
    const offerings = OFFERINGS.filter(({ instanceType }) => instanceType !== 'on-demand');
    expect(alternatives({ spec: preferring, offerings })).toEqual(['cheapest', 'other-zone', 'as-dear-as-may-be']);
  });
});
