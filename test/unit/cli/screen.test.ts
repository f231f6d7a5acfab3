import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Interrupted, listenForInterruption } from '../../../src/cli/demo/interruption.ts';
import { typed } from '../../../src/cli/demo/kubectl.ts';
import { createThrottle } from '../../../src/cli/demo/throttle.ts';
import { hostOf, trafficRows } from '../../../src/cli/demo/traffic.ts';

describe('lines of a log', () => {
  it('that differ only in their figures come every 15 s at most', () => {
    let nowMs = 0;
    const isNews = createThrottle(() => nowMs);
    const told: string[] = [];
    for (let second = 0; second < 40; second += 1) {
      nowMs = second * 1_000;
      const text = `compiling: ${second * 7} packages, ${second}s`;
      if (isNews(text)) told.push(text);
    }
    expect(told).toEqual(['compiling: 0 packages, 0s', 'compiling: 105 packages, 15s', 'compiling: 210 packages, 30s']);
    expect(isNews('linking')).toBe(true);
  });

  it('are the same whether the elapsed time has minutes or not', () => {
    const isNews = createThrottle(() => 0);
    expect([isNews('compiling, 59s'), isNews('compiling, 1m 0s')]).toEqual([true, false]);
  });
});

describe('an interruption', () => {
  it('aborts with the signal’s name, once, and tells of further signals', () => {
    const source = new EventEmitter();
    let nowMs = 0;
    const interruption = listenForInterruption(source, () => nowMs);
    const told: unknown[] = [];
    interruption.onSignal((by, first) => told.push([by, first]));
    source.emit('SIGINT', 'SIGINT');
    // npm hands on what the terminal has sent already.
    source.emit('SIGINT', 'SIGINT');
    nowMs = 2_000;
    source.emit('SIGTERM', 'SIGTERM');
    expect(told).toEqual([
      ['SIGINT', true],
      ['SIGTERM', false],
    ]);
    expect(interruption.signal.reason).toBeInstanceOf(Interrupted);
    expect(interruption.signal.reason.by).toBe('SIGINT');
  });

  it('leaves signals alone once it is stopped', () => {
    const source = new EventEmitter();
    listenForInterruption(source).stop();
    expect(source.eventNames()).toEqual([]);
  });
});

describe('commands on the screen', () => {
  it('are quoted as a shell needs it', () => {
    expect(typed('kubectl', ['exec', 'web', '--', 'sh', '-c', "echo 'a b'"])).toBe(
      `kubectl exec web -- sh -c 'echo '\\''a b'\\'''`,
    );
  });
});

describe('traffic', () => {
  it('knows who answered by the page’s title', () => {
    expect(hostOf('<!doctype html>\n<title>web-1</title>')).toBe('web-1');
    expect(hostOf('404')).toBeUndefined();
  });

  it('is shown with how often each pod answered through the Service', () => {
    const reached = [
      { pod: 'web-1', address: '10.244.0.2', throughService: 2 },
      { pod: 'web-22', address: '10.244.0.34', throughService: 1 },
    ];
    expect(trafficRows(reached, '10.96.0.7')).toEqual([
      '$ curl http://10.96.0.7/   # 3 times, and each pod at its address',
      'POD     BY ADDRESS                    THROUGH THE SERVICE',
      'web-1   http://10.244.0.2/ answered   2 of 3 answers',
      'web-22  http://10.244.0.34/ answered  1 of 3 answers',
    ]);
  });
});
