import { expect, test } from 'vitest';
import { mountsSeen } from '../../soak/host-view.ts';
import { mountedIn } from '../../soak/machine-view.ts';

/** As the kernel writes it: the mount point is the fifth word. */
function mountinfo(...points: readonly string[]): string {
  return points.map((point, index) => `${index} 27 0:4 / ${point} rw shared:1 - nsfs nsfs rw\n`).join('');
}

test('the host’s mounts of a cell are that of its namespace, however often it shows, and those in its folder', () => {
  const paths = { name: 'soak', stateDir: '/state/soak' };
  const text = mountinfo(
    '/run/netns/nodeless-soak',
    '/run/netns/nodeless-soak-cell-a',
    '/run/netns/nodeless-soak-cell-a',
    '/run/netns/nodeless-e2e-cell-b',
    '/state/soak/cloud/cells/cell-c/machine/log',
  );
  expect(mountsSeen(text, paths)).toEqual([
    { kind: 'namespace', cellId: 'cell-a', point: '/run/netns/nodeless-soak-cell-a' },
    { kind: 'folder', cellId: 'cell-c', point: '/state/soak/cloud/cells/cell-c/machine/log' },
  ]);
});

test('a machine’s mounts tell how often its kubelet’s folder is there, and volumes of which pods', () => {
  const volume = (uid: string) => `/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~projected/token`;
  const text = mountinfo(
    '/',
    '/var/lib/kubelet',
    '/var/lib/kubelet',
    volume('uid-a'),
    volume('uid-a'),
    volume('uid-b'),
  );
  expect(mountedIn(text)).toEqual({ kubeletFolders: 2, volumesOf: ['uid-a', 'uid-b'] });
});
