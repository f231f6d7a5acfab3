import type { AwsEc2ProviderOptions } from './aws-ec2/options.ts';
import { createAwsEc2Provider } from './aws-ec2/provider.ts';
import type { CellProvider } from './contract.ts';
import type { LocalProviderOptions } from './local/options.ts';
import { createLocalProvider } from './local/provider.ts';
import { createSimulatedProvider, type SimulatedProviderOptions } from './simulated/provider.ts';

/** What each provider is configured with, by its name. */
export interface ProviderOptions {
  readonly 'aws-ec2': AwsEc2ProviderOptions;
  readonly local: LocalProviderOptions;
  readonly simulated: SimulatedProviderOptions;
}

export type ProviderName = keyof ProviderOptions;

const FACTORIES: { readonly [Name in ProviderName]: (options: ProviderOptions[Name]) => CellProvider } = {
  'aws-ec2': createAwsEc2Provider,
  local: createLocalProvider,
  simulated: createSimulatedProvider,
};

/** Makes the provider of that name; nothing happens until its `start`. */
export function createProvider<Name extends ProviderName>(name: Name, options: ProviderOptions[Name]): CellProvider {
  return FACTORIES[name](options);
}
