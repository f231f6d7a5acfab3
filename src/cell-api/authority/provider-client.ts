import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Authority } from './authority.ts';

/** The provider's client certificate toward the cells' kubelets, and the authority of theirs; PEM. */
export interface ProviderClientTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

const RETRY_MS = 60_000;

/** Issues the certificate, and a new one at half of its life until the signal aborts. Returns what gives the current one. */
export async function followProviderClient(
  authority: Authority,
  {
    clock,
    logger,
    onIssued = () => undefined,
  }: { readonly clock: Clock; readonly logger: Logger; readonly onIssued?: (certPem: string) => void },
  signal: AbortSignal,
): Promise<() => ProviderClientTls> {
  async function issue() {
    const { certPem, keyPem, notAfterMs } = await authority.issueProviderClient();
    onIssued(certPem);
    const tls = { cert: certPem, key: keyPem, ca: authority.caPem };
    return { tls, renewAtMs: (clock.now() + notAfterMs) / 2 };
  }
  let current = await issue();
  async function renew(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(Math.max(RETRY_MS, current.renewAtMs - clock.now()), signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        current = await issue();
      } catch (error) {
        logger.error({ reason: messageOf(error) }, 'the client certificate toward kubelets can not be renewed');
      }
    }
  }
  void renew();
  return () => current.tls;
}
