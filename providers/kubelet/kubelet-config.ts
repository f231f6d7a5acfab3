import type { CellClass } from '../../src/core/cell-class.ts';

/** A kubelet's configuration file (`kubelet.config.k8s.io/v1beta1`), or a part of it. */
export type KubeletConfiguration = Readonly<Record<string, unknown>>;

/**
 * The settings that any cell's kubelet needs; spread others over them. Frequent status (10 s) and a 40 s lease, because
 * silence is how a cell is missed. JSON, because the cell API speaks nothing else.
 */
export function cellKubelet(options: {
  readonly clusterDns: string;
  readonly clusterDomain: string;
}): KubeletConfiguration {
  return {
    clusterDNS: [options.clusterDns],
    clusterDomain: options.clusterDomain,
    contentType: 'application/json',
    evictionPressureTransitionPeriod: '0s',
    healthzPort: 0,
    nodeLeaseDurationSeconds: 40,
    nodeStatusReportFrequency: '10s',
    nodeStatusUpdateFrequency: '10s',
    readOnlyPort: 0,
    serializeImagePulls: false,
  };
}

/** The settings of a kubelet that proves itself by certificates: anonymous callers are refused, others are asked about. */
export function securedBy(clientCaFile: string): KubeletConfiguration {
  return {
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '10s' },
      x509: { clientCAFile: clientCaFile },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '30s', cacheUnauthorizedTTL: '5s' } },
    rotateCertificates: true,
    serverTLSBootstrap: true,
  };
}

/**
 * What a class may set of a cell's kubelet. Reservations and thresholds of eviction are not among it: they would come off
 * the size that was sold, which is the cell's alone.
 */
export function classKubelet({ spec }: Pick<CellClass, 'spec'>): KubeletConfiguration {
  const { systemReserved: _system, kubeReserved: _kube, evictionHard: _eviction, ...settings } = spec.kubelet;
  return settings;
}
