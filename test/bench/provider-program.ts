/** `nodeless run` as it is, but for a probe of the event loop beside it; called as `node PROGRAM run --config FILE …`. */
import { watchEventLoop } from './event-loop-probe.ts';

const config = process.argv[process.argv.indexOf('--config') + 1];
watchEventLoop(`${config}.loop`);
void import('../../src/cli/main.ts');
