import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { al2023Parameter, familyOf } from '../../../../../providers/aws-ec2/boot/family.ts';
import { type UserDataParts, userData, userDataText } from '../../../../../providers/aws-ec2/boot/user-data.ts';
import { ROOT_VOLUME_USE, resourcesOf } from '../../../../../providers/aws-ec2/catalogue/usable.ts';
import { awsEc2Settings } from '../../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../../src/config/load.ts';
import { cellClass } from '../../../../support/cell-class.ts';

const run = promisify(execFile);
const settings = awsEc2Settings(
  parseConfig({ virtualNode: { address: '10.0.0.1' }, awsEc2: { region: 'eu-central-1' } }, 'test'),
);
/** As long as that of an authority of ours. */
const CA = `-----BEGIN CERTIFICATE-----\n${`${'MIIBszCC'.repeat(8)}\n`.repeat(10)}-----END CERTIFICATE-----\n`;

function parts(spec: object = {}, arch: 'amd64' | 'arm64' = 'amd64'): UserDataParts {
  const given = cellClass(spec);
  return {
    family: familyOf(given.spec),
    region: settings.region,
    clusterUid: '0c5b1a52-5a4e-4f0e-9f0a-6d6c0a6b6f11',
    bootstrap: {
      cellApiUrl: 'https://10.0.0.1:8443',
      caPem: CA,
      nodeName: 'nodeless',
      clusterDns: '10.96.0.10',
      clusterDomain: 'cluster.local',
    },
    cellClass: given,
    kubeProxyImage: settings.kubeProxyImage,
    cniPlugins: settings.cniPlugins[arch],
    podAddresses: 1,
  };
}

const custom = { image: { id: 'ami-0abcdef1' } };

describe('user data', () => {
  test.each([
    ['al2023.sh', parts()],
    ['cloud-init.yaml', parts(custom, 'arm64')],
    [
      'al2023-class.sh',
      parts({
        agents: [{ namespace: 'kube-system', daemonSet: 'logs' }],
        kubelet: { podPidsLimit: 500, kubeReserved: { cpu: '1' }, evictionHard: { 'memory.available': '5%' } },
        userData: 'echo "of the class: $(uname -m)"\n',
      }),
    ],
  ])('is that of test/unit/providers/aws-ec2/boot/golden/%s', async (file, given) => {
    await expect(userDataText(given)).toMatchFileSnapshot(`golden/${file}`);
  });

  test('goes to EC2 as it is where it fits, and compressed where it does not', () => {
    expect(Buffer.from(userData(parts())).toString()).toBe(userDataText(parts()));
    const long = parts({ userData: `# ${'words that repeat '.repeat(600)}\n` });
    const sent = userData(long);
    expect(sent.length).toBeLessThan(16 * 1024);
    expect(gunzipSync(sent).toString()).toBe(userDataText(long));
  });

  test('that does not fit either way is refused with the class that is too long', () => {
    const noise = Array.from({ length: 250 }, (_, index) => createHash('sha512').update(`${index}`).digest('base64'));
    const given = parts({ userData: `# ${noise.slice(0, 130).join('')}` });
    const huge = { ...given, bootstrap: { ...given.bootstrap, caPem: noise.join('\n') } };
    const failure = { code: 'InvalidConfig', identity: { cellClass: given.cellClass.name } };
    expect(() => userData(huge)).toThrow(expect.objectContaining(failure));
  });

  test('is the same script for cloud-init as for the family that runs it', () => {
    const { write_files: files, runcmd } = parse(userDataText(parts(custom)));
    expect(runcmd).toEqual([['sh', files[0].path]]);
    const own = { ...parts(), family: { ...familyOf(cellClass(custom).spec), form: 'script' as const } };
    expect(files).toEqual([{ path: files[0].path, permissions: '0700', content: userDataText(own) }]);
  });

  test('is a program for a POSIX shell, and each program in it is one', async () => {
    const text = userDataText(parts({ userData: 'true' }));
    const programs = [...text.matchAll(/cat > \S+\.sh <<'END-OF-NODELESS-FILE'\n(.*?)\nEND-OF-NODELESS-FILE/gs)];
    expect(programs.length).toBeGreaterThanOrEqual(4);
    const folder = await mkdtemp(join(tmpdir(), 'nodeless-'));
    for (const program of [text, ...programs.map(([, body = '']) => body)]) {
      await writeFile(join(folder, 'program.sh'), program);
      await run('sh', ['-n', join(folder, 'program.sh')]);
    }
    await rm(folder, { recursive: true });
  });

  test('keeps for the kubelet the CPU that offerings leave out', async () => {
    const text = userDataText(parts());
    const [formula = ''] = /share=0\n.*?reserved_cpu=[^\n]+/s.exec(text) ?? [];
    for (const vcpus of [1, 2, 3, 4, 8, 17, 96, 192]) {
      const { stdout } = await run('sh', ['-c', `nproc() { echo ${vcpus}; }\n${formula}\necho $reserved_cpu`]);
      const type = { vcpus, memoryBytes: 2 ** 34, devices: {} } as Parameters<typeof resourcesOf>[0];
      const disk = { ...ROOT_VOLUME_USE, sizeBytes: 2 ** 34, gibHourUsd: 0 };
      expect(stdout.trim()).toBe(`${vcpus * 1_000 - resourcesOf(type, disk).allocatable.cpuMilli}m`);
    }
  });
});

describe('image families', () => {
  test('are Amazon Linux 2023 where the class does not say', () => {
    expect(familyOf(cellClass().spec)).toBe(familyOf(cellClass({ image: { family: 'al2023' } }).spec));
    expect(al2023Parameter('1.34', 'amd64')).toContain('/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id');
    expect(al2023Parameter('1.33', 'arm64')).toContain('/1.33/amazon-linux-2023/arm64/');
  });

  test('that can not be a cell are refused', () => {
    const { spec } = cellClass({ image: { family: 'bottlerocket' } });
    expect(() => familyOf(spec)).toThrow(/Bottlerocket can not be a cell yet/);
  });
});
