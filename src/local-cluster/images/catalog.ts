import type { ImageSpec } from './archive.ts';
import { directory, type Entry, file, symlink } from './entry.ts';
import { agnhostUsers, busyboxShell, type UserlandInputs, userland } from './userland.ts';

/** Everything that the images are made of. */
export interface ImageInputs extends UserlandInputs {
  readonly pause: Buffer;
  readonly agnhost: Buffer;
  readonly nnp: Buffer;
  /** curl, ss and nc with the shared libraries they need: the suite's network specs run them in agnhost. */
  readonly networkTools: readonly Entry[];
  /** dig and getent, likewise. */
  readonly dnsTools: readonly Entry[];
  /** agnhost's `porter` serves with these: localhost.crt and localhost.key. */
  readonly porterCertificate: Buffer;
  readonly porterKey: Buffer;
}

/** What the images of the suite alone need beside. */
export interface SuiteInputs extends ImageInputs {
  readonly sampleApiServer: Buffer;
  /** etcd with the shared libraries that it needs. */
  readonly etcd: readonly Entry[];
}

export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10.1';
export const BUSYBOX_IMAGE = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1';
export const AGNHOST_IMAGE = 'registry.k8s.io/e2e-test-images/agnhost:2.56';
export const NONEWPRIVS_IMAGE = 'registry.k8s.io/e2e-test-images/nonewprivs:1.3';
export const NONROOT_IMAGE = 'registry.k8s.io/e2e-test-images/nonroot:1.4';
const HTTPD_IMAGES = ['2.4.38-4', '2.4.39-4'].map((tag) => `registry.k8s.io/e2e-test-images/httpd:${tag}`);
const NGINX_IMAGES = ['1.14-4', '1.15-4'].map((tag) => `registry.k8s.io/e2e-test-images/nginx:${tag}`);
const NAUTILUS_IMAGE = 'registry.k8s.io/e2e-test-images/nautilus:1.7';
const SAMPLE_API_SERVER_IMAGE = 'registry.k8s.io/e2e-test-images/sample-apiserver:1.29.2';
const ETCD_IMAGE = 'registry.k8s.io/etcd:3.6.4-0';
const DNS_TOOLS_IMAGE = 'registry.k8s.io/e2e-test-images/jessie-dnsutils:1.7';
export const WEB_IMAGE = 'nodeless.local/web:1';

/** busybox httpd answers `/` with cgi-bin/index.cgi when there is no index.html. */
const WEB_PAGE = `#!/bin/sh
name=$(hostname)
address=$(hostname -i 2>/dev/null)
printf 'Content-Type: text/html; charset=utf-8\\r\\n\\r\\n'
cat <<END
<!doctype html>
<title>$name</title>
<style>body{font:18px/1.6 system-ui;max-width:32em;margin:12vh auto;padding:0 1em}b{color:#0a6}</style>
<h1>Hello from <b>$name</b></h1>
<p>This pod answers at $address.</p>
END
`;

const WEB_START = `#!/bin/sh
# Requests go to stdout, one line each.
exec httpd -f -vv -p "\${PORT:-80}" -h /www 2>&1
`;

/** The images that a local cluster's machines have without a registry. */
export function imageCatalog(inputs: ImageInputs): readonly ImageSpec[] {
  const base = userland(inputs);
  return [
    {
      reference: PAUSE_IMAGE,
      config: { entrypoint: ['/pause'], user: '65535:65535' },
      layers: [[file('pause', inputs.pause, 0o755)]],
    },
    { reference: BUSYBOX_IMAGE, config: { cmd: ['sh'] }, layers: [base, busyboxShell()] },
    {
      reference: AGNHOST_IMAGE,
      config: {
        entrypoint: ['/agnhost'],
        cmd: ['pause'],
        exposedPorts: ['80/tcp', '8080/tcp', '8081/tcp', '9376/tcp', '5000/tcp'],
      },
      layers: [
        base,
        [
          ...agnhostUsers(),
          ...inputs.networkTools,
          ...inputs.dnsTools,
          directory('uploads'),
          file('localhost.crt', inputs.porterCertificate),
          file('localhost.key', inputs.porterKey),
          file('agnhost', inputs.agnhost, 0o755),
          symlink('agnhost-2', 'agnhost'),
        ],
      ],
    },
    {
      reference: NONEWPRIVS_IMAGE,
      config: { cmd: ['nnp'] },
      layers: [base, [file('usr/local/bin/nnp', inputs.nnp, 0o6755)]],
    },
    { reference: NONROOT_IMAGE, config: { cmd: ['sh'], user: '1234' }, layers: [base] },
    {
      reference: WEB_IMAGE,
      config: { entrypoint: ['/usr/local/bin/web'], exposedPorts: ['80/tcp'] },
      layers: [base, [file('usr/local/bin/web', WEB_START, 0o755), file('www/cgi-bin/index.cgi', WEB_PAGE, 0o755)]],
    },
  ];
}

/** A web server that gives one file: where specs pull Apache, nginx and others, they only look for their pages. */
function webImage(reference: string, root: string, page: string, content: string): ImageSpec {
  return {
    reference,
    config: { cmd: ['httpd', '-f', '-p', '80', '-h', `/${root}`], exposedPorts: ['80/tcp'] },
    layers: [[file(`${root}/${page}`, content)]],
  };
}

/** What only some specs of the conformance suite use: for a registry to serve. */
export function suiteCatalog(inputs: SuiteInputs): readonly ImageSpec[] {
  const base = userland(inputs);
  const greeting = '<html><body><h1>It works!</h1></body></html>\n';
  const servers = [
    ...HTTPD_IMAGES.map((reference) => webImage(reference, 'usr/local/apache2/htdocs', 'index.html', greeting)),
    ...NGINX_IMAGES.map((reference) => webImage(reference, 'usr/share/nginx/html', 'index.html', greeting)),
    webImage(NAUTILUS_IMAGE, 'data', 'data.json', '{"image":"nautilus.jpg"}\n'),
  ];
  return [
    ...servers.map((server) => ({ ...server, layers: [base, ...server.layers] })),
    { reference: DNS_TOOLS_IMAGE, config: { cmd: ['sh'] }, layers: [base, inputs.dnsTools] },
    {
      reference: SAMPLE_API_SERVER_IMAGE,
      config: { entrypoint: ['/kube-sample-apiserver'] },
      layers: [[file('kube-sample-apiserver', inputs.sampleApiServer, 0o755), directory('tmp', 0o1777)]],
    },
    {
      reference: ETCD_IMAGE,
      config: { cmd: ['etcd'] },
      layers: [[...inputs.etcd, symlink('usr/local/bin/etcd', '/usr/bin/etcd')]],
    },
  ];
}
