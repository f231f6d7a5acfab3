import { collectDefaultMetrics, Registry } from 'prom-client';
import packageJson from '../../package.json' with { type: 'json' };
import { gaugeIn } from './metrics.ts';

/** The series of a process, whether it leads or not: its own memory, CPU and event loop, and what build it is. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  gaugeIn(registry, {
    name: 'nodeless_build_info',
    help: 'Always 1; its labels say what runs.',
    labelNames: ['version', 'node_version'],
  }).set({ version: packageJson.version, node_version: process.version }, 1);
  return registry;
}
