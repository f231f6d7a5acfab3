/** hosts.toml for every registry: ask the mirror first (it is told the registry as \`?ns=\`). */
export function mirrorHosts(mirrorUrl: string): string {
  return `[host.${JSON.stringify(mirrorUrl)}]\n  capabilities = ["pull", "resolve"]\n`;
}

/** CNI: a bridge inside of the machine over its own pod range, no masquerading: the router knows the way back. */
export function cniConfig(podCidr: string): string {
  return JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: 'nodeless',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          hairpinMode: true,
          ipMasq: false,
          ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    null,
    2,
  );
}
