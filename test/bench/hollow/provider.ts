import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadKubeConfig } from '../../../src/cli/kube-config.ts';
import { untilSignalled } from '../../../src/cli/until-signalled.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { runProvider } from '../../../src/main.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { openChannel, serveCalls } from './channel.ts';
import { processMemory } from './process-memory.ts';
import { remoteProvider } from './remote-provider.ts';
import { CLOUD_SOCKET, PROVIDER_SOCKET } from './sockets.ts';

/**
 * `nodeless run` over the hollow cells of another process, with calls that tell of this process's memory and CPU. Both
 * sockets are in the working folder, which is the cluster's.
 */
const { values } = parseArgs({
  options: { config: { type: 'string', default: '' }, kubeconfig: { type: 'string' } },
  allowPositionals: true,
});

async function profile(seconds: number, file: string): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  await delay(seconds * 1000);
  const { profile: taken } = await session.post('Profiler.stop');
  session.disconnect();
  await writeFile(file, JSON.stringify(taken));
}

await serveCalls(resolve(PROVIDER_SOCKET), {
  memory: () => processMemory(),
  profile: ({ seconds, file }: { seconds: number; file: string }) => profile(seconds, file),
});
const config = await loadConfig(values.config);
const cloud = openChannel(resolve(CLOUD_SOCKET));
await runProvider({
  config,
  kubeConfig: loadKubeConfig(values.kubeconfig),
  logger: createLogger(config.logLevel),
  signal: untilSignalled(),
  chooseProvider: async () => remoteProvider(cloud),
});
process.exit(0);
