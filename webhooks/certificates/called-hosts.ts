import type { WebhookConfiguration } from './ca-bundle.ts';

/**
 * Those of a replica's addresses and names that API servers call it by. Where they call the Service, addresses have no place in
 * the certificate: each new replica would bring another, and have it signed anew.
 */
export function calledHosts(
  configurations: readonly WebhookConfiguration[],
  hosts: readonly string[],
): readonly string[] {
  const callers = configurations.flatMap(({ webhooks = [] }) =>
    webhooks.map(({ clientConfig }) => clientConfig.service),
  );
  const names = callers.map((service) => service && `${service.name}.${service.namespace}.svc`);
  if (names.length === 0 || names.some((name) => name === undefined || !hosts.includes(name))) return hosts;
  return hosts.filter((host) => names.includes(host));
}
