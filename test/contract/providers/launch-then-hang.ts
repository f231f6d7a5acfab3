// A provider process that a test kills: launches the cell that it is told, then stays. Options and request as JSON.
import type { LaunchRequest } from '../../../providers/contract.ts';
import type { LocalProviderOptions } from '../../../providers/local/options.ts';
import { createLocalProvider } from '../../../providers/local/provider.ts';

const [options = '', request = ''] = process.argv.slice(2);
const provider = createLocalProvider(JSON.parse(options) as LocalProviderOptions);
await provider.start(AbortSignal.timeout(30_000));
process.stdout.write('started\n');
await provider.launch(JSON.parse(request) as LaunchRequest, AbortSignal.timeout(30_000));
process.stdout.write('launched\n');
setInterval(() => {}, 1_000);
