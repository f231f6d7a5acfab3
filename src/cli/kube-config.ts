import { KubeConfig } from '@kubernetes/client-node';
import { messageOf, NodelessError } from '../core/errors.ts';

/** Loads a kubeconfig file, or what kubectl would use. @throws NodelessError ConfigInvalid naming the file. */
export function loadKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    // What the library falls back to where there is none at all.
    const isGuess = file === undefined && config.getCurrentCluster()?.server === 'http://localhost:8080';
    if (isGuess) throw new Error('there is none: give --kubeconfig FILE, set KUBECONFIG, or run inside the cluster');
  } catch (error) {
    const message = `the kubeconfig ${file === undefined ? '' : `${file} `}can not be read: ${messageOf(error)}`;
    throw new NodelessError({ code: 'ConfigInvalid', message, cause: error });
  }
  return config;
}
