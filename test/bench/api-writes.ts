import type { KubeClient } from '../../src/kube/client.ts';

const WRITE = /^apiserver_request_total\{[^}]*verb="(?:POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION)"/;

/** Writes that the API server has answered since its start, whoever sent them. */
export async function apiWrites(client: KubeClient, signal: AbortSignal): Promise<number> {
  const { body } = await client.request({ method: 'GET', path: '/metrics', signal });
  const lines = body.toString().split('\n');
  return lines.filter((line) => WRITE.test(line)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
