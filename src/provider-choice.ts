import type { Logger } from 'pino';
import type { CellProvider } from '../providers/contract.ts';
import { createProvider } from '../providers/registry.ts';
import { createSimulatedCloud } from '../providers/simulated/cloud.ts';
import { simulatedOfferings } from '../providers/simulated/offerings.ts';
import { awsEc2Settings } from './config/aws-ec2.ts';
import { readEnvironment } from './config/environment.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './core/clock.ts';
import { systemProgram } from './local-cluster/binaries/lookup.ts';
import { obtainPrograms } from './local-cluster/binaries/obtain.ts';

export interface ProviderChoice {
  readonly config: Config;
  /** Whose machines this process may see. */
  readonly owner: { readonly clusterUid: string; readonly virtualNodes: readonly string[] };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The provider that the configuration names, not started yet. */
export async function chooseProvider(choice: ProviderChoice): Promise<CellProvider> {
  if (choice.config.provider === 'aws-ec2') return awsEc2Provider(choice);
  return choice.config.provider === 'local' ? localProvider(choice) : simulatedProvider(choice);
}

type CloudOfAnyZone = Exclude<Config['provider'], 'aws-ec2'>;

const ONLY_ZONES: Readonly<Record<CloudOfAnyZone, string>> = { local: 'local', simulated: 'simulated-a' };

/** The zones of clouds that have the ones they are asked for, and one of their own where none is. */
export function zonesOf(provider: CloudOfAnyZone, { zones }: Pick<Config, 'zones'>): readonly string[] {
  return zones.names.length === 0 ? [ONLY_ZONES[provider]] : zones.names;
}

function awsEc2Provider({ config, owner, clock, logger }: ProviderChoice): CellProvider {
  const settings = awsEc2Settings(config);
  const { kubeletVersion } = config.virtualNode;
  return createProvider('aws-ec2', { settings, owner, kubeletVersion, clock, random: Math.random, logger });
}

async function localProvider({ config, owner, clock, logger, signal }: ProviderChoice): Promise<CellProvider> {
  const { cluster, stateDir, cacheDir, imagesDir, registryMirror, sandboxImage, outbound, ...given } = config.local;
  const environment = readEnvironment();
  const progress = ({ step, detail }: { step: string; detail: string }) => logger.info({ step, detail }, 'preparing');
  const kubelet = given.kubelet ?? (await obtainPrograms(['kubelet'], { progress, signal, environment })).kubelet;
  const containerd = given.containerd ?? (await systemProgram('containerd', environment)) ?? 'containerd';
  return createProvider('local', {
    stateDir,
    cacheDir: cacheDir ?? environment.cacheFolder,
    clusterName: cluster,
    owner,
    programs: { kubelet, containerd, cniBinDir: given.cniBinDir },
    ...(imagesDir === undefined ? {} : { imagesDir }),
    ...(registryMirror === undefined ? {} : { registryMirror }),
    sandboxImage,
    outbound,
    zones: zonesOf('local', config),
    ranges: { cellCidr: given.cellCidr, podCidr: given.podCidr, serviceCidr: given.serviceCidr },
    clock,
    logger,
  });
}

function simulatedProvider({ config, owner, clock }: ProviderChoice): CellProvider {
  const { launchTime, startTime, failureRate, exhaustedZones, seed } = config.simulated;
  const cloud = createSimulatedCloud({
    offerings: simulatedOfferings(zonesOf('simulated', config)),
    launchLatency: { p50Ms: launchTime, p95Ms: 2 * launchTime },
    podStartLatency: { p50Ms: startTime, p95Ms: 2 * startTime },
    failure: { rate: failureRate, code: 'InsufficientCapacity' },
    exhaustedZones,
    seed,
    clock,
  });
  return createProvider('simulated', { cloud, owner });
}
