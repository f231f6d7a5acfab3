import type { WebhookConfiguration } from './ca-bundle.ts';

/** The name or address by which each webhook is called. */
function namesCalled(configurations: readonly WebhookConfiguration[]): readonly string[] {
  const callers = configurations.flatMap(({ webhooks = [] }) => webhooks.map(({ clientConfig }) => clientConfig));
  return callers.map(({ service, url = '' }) => {
    if (service !== undefined) return `${service.name}.${service.namespace}.svc`;
    return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : url;
  });
}

/**
 * Those of a replica's addresses and names that API servers call it by. Where they call the Service, addresses have no place in
 * the certificate: each new replica would bring another, and have it signed anew.
 */
export function calledHosts(
  configurations: readonly WebhookConfiguration[],
  hosts: readonly string[],
): readonly string[] {
  const services = configurations.flatMap(({ webhooks = [] }) =>
    webhooks.map(({ clientConfig }) => clientConfig.service),
  );
  const names = namesCalled(configurations);
  const isService = services.length > 0 && services.every((service) => service !== undefined);
  if (!isService || names.some((name) => !hosts.includes(name))) return hosts;
  return hosts.filter((host) => names.includes(host));
}

/** Where API servers call webhooks that are none of a replica's hosts: it is not asked there, nor would its certificate do. */
export function calledElsewhere(
  configurations: readonly WebhookConfiguration[],
  hosts: readonly string[],
): readonly string[] {
  return [...new Set(namesCalled(configurations))].filter((name) => name !== '' && !hosts.includes(name));
}
