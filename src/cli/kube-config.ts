import { KubeConfig } from '@kubernetes/client-node';
import { messageOf, NodelessError } from '../core/errors.ts';

/** Loads a kubeconfig file, or what kubectl would use. @throws NodelessError ConfigInvalid naming the file. */
export function loadKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const message = `kubeconfig ${file ?? ''} can not be read: ${messageOf(error)}`;
    throw new NodelessError({ code: 'ConfigInvalid', message, cause: error });
  }
  return config;
}
