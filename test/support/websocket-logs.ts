import { once } from 'node:events';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, WebSocket } from 'undici';

/** A pod's log as a dashboard reads it: over a WebSocket of the API server, binary, until that closes it. */
export async function logsOverWebSocket(kubeconfig: string, pod: string): Promise<string> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const { server = '', caData = '' } = config.getCurrentCluster() ?? {};
  const { certData = '', keyData = '' } = config.getCurrentUser() ?? {};
  const [ca, cert, key] = [caData, certData, keyData].map((data) => Buffer.from(data, 'base64'));
  const dispatcher = new Agent({ connect: { ca, cert, key } });
  const url = `${server.replace('https:', 'wss:')}/api/v1/namespaces/default/pods/${pod}/log`;
  const socket = new WebSocket(url, { protocols: ['binary.k8s.io'], dispatcher });
  socket.binaryType = 'arraybuffer';
  const parts: string[] = [];
  socket.addEventListener('message', ({ data }) => parts.push(Buffer.from(data as ArrayBuffer).toString()));
  await once(socket, 'close');
  await dispatcher.close();
  return parts.join('');
}
