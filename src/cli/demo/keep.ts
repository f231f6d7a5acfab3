import { enterCommand } from '../../local-cluster/network/names.ts';
import type { Standing } from './ground.ts';
import { DOWN_COMMAND } from './take-down.ts';
import { WEB } from './workload.ts';

/** What a person is told of a demo that stays up. */
export function keepInstructions({ cluster }: Standing): string {
  const { paths } = cluster;
  const real = paths.rootless !== true;
  const commands = [
    'kubectl get nodes,pods -o wide',
    'kubectl get cells -o wide',
    `kubectl scale deployment ${WEB} --replicas=5`,
    ...(real
      ? [
          `kubectl logs -f deployment/${WEB}`,
          `kubectl exec -it deployment/${WEB} -- sh`,
          `${enterCommand(paths.namespace).join(' ')} curl http://$(kubectl get service ${WEB} -o 'jsonpath={.spec.clusterIP}')/`,
        ]
      : []),
    `tail -f ${paths.logDir}/nodeless.log`,
  ];
  return [
    'The demo stays up. To use it:',
    '',
    `export KUBECONFIG=${cluster.kubeconfigs.admin}`,
    `export PATH=${cluster.binDir}:$PATH   # kubectl`,
    '',
    ...commands,
    '',
    `To take it down: ${DOWN_COMMAND}`,
  ].join('\n');
}
