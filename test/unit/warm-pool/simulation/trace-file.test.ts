import { describe, expect, test } from 'vitest';
import { parseTrace } from '../../../../src/warm-pool/simulation/trace-file.ts';

const HEAD = 'arrival,duration,shape';

describe('a trace', () => {
  test('is read from CSV: seconds or times, seconds or durations, shapes apart', () => {
    const { workloads, endMs } = parseTrace(`${HEAD}\n0,60,1/1Gi\n2.5,5m,2/4Gi\r\n2.5,1h30m,\n\n`, 'x.csv');
    expect(workloads.map(({ shape }) => shape)).toEqual(['1/1Gi', '2/4Gi', '250m/256Mi']);
    expect(workloads.map(({ arrivalMs }) => [...arrivalMs])).toEqual([[0], [2_500], [2_500]]);
    expect(workloads.map(({ durationMs }) => [...durationMs])).toEqual([[60_000], [300_000], [5_400_000]]);
    expect(endMs).toBe(2_501);
  });

  test('is read from JSON, and times count from the full hour in which it begins', () => {
    const pods = [
      { arrival: '2026-01-31T08:00:10Z', duration: 5 },
      { arrival: '2026-01-31T08:01:00+00:00', duration: '1m' },
    ];
    const [workload] = parseTrace(JSON.stringify(pods), 'x.json').workloads;
    expect([...(workload?.arrivalMs ?? [])]).toEqual([10_000, 60_000]);
  });

  test.each([
    ['nothing at all', '', /line 1 must be the heading/],
    ['no pods', `${HEAD}\n`, /has no pods/],
    ['no pods in JSON', '[]', /has no pods/],
    ['another heading', 'when,how long\n1,2', /line 1 must be the heading.*"when,how long"/],
    ['a field too few', `${HEAD}\n1,2,a\n3,4`, /line 3 has 2 fields, the heading 3/],
    ['an arrival that is no time', `${HEAD}\nsoon,4,a`, /line 2: arrival "soon" is neither/],
    ['a negative arrival', `${HEAD}\n-1,4,a`, /line 2: arrival "-1"/],
    ['no arrival', `${HEAD}\n,4,a`, /line 2: arrival/],
    ['a negative duration', `${HEAD}\n1,-4,a`, /line 2: duration "-4" must be/],
    ['a duration that is none', `${HEAD}\n1,long,a`, /line 2: duration "long" must be/],
    ['a clock that jumps back', `${HEAD}\n10,4,a\n7,4,a`, /line 3: arrival goes back by 3 s; sort the trace/],
    ['broken JSON', '[{"arrival": 1', /can not be read as JSON/],
    ['JSON that is no array', '{"arrival": 1}', /must be a JSON array/],
    ['an unknown key in JSON', '[{"arrival": 1, "duration": 2, "size": 3}]', /pod 1: .*size/],
    ['infinity in JSON', '[{"arrival": 1e999, "duration": 2}]', /pod 1: arrival/],
  ])('with %s is refused, and the error says where', (_, text, message) => {
    expect(() => parseTrace(text, 'x.csv')).toThrow(message);
    expect(() => parseTrace(text, 'x.csv')).toThrow(/^x\.csv: /);
  });
});
