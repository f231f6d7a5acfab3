import { Counter, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { samplesIn } from '../../support/exposition.ts';

test('samples are found by the series, whatever labels come with them and in which order', async () => {
  const registry = new Registry();
  const denials = new Counter({ name: 'denials_total', help: 'h', labelNames: ['reason'], registers: [registry] });
  new Counter({ name: 'denials_total_of_others', help: 'h', registers: [registry] }).inc(7);
  denials.inc({ reason: 'a "quoted", one}' }, 3);
  expect(samplesIn(await registry.metrics(), 'denials_total')).toEqual([
    { labels: { reason: String.raw`a \"quoted\", one}` }, value: 3 },
  ]);
  registry.setDefaultLabels({ virtual_node: 'n' });
  expect(samplesIn(await registry.metrics(), 'denials_total')).toMatchObject([
    { labels: { virtual_node: 'n' }, value: 3 },
  ]);
  expect(samplesIn(await registry.metrics(), 'denials')).toEqual([]);
});
