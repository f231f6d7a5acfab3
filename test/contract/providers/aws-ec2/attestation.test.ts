import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { identityScript } from '../../../../providers/aws-ec2/boot/identity-script.ts';
import type { BootstrapEvidence, CellProvider } from '../../../../providers/contract.ts';
import { type AwsBed, BED_REGION, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { imdsFacts, serveImds } from '../../../support/aws/imds.ts';
import { evidenceOf, KEY, launchOf, machinesIn, OWNER, PROFILE, providerOver } from './cells.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const soon = () => AbortSignal.timeout(60_000);
const OTHER_KEY = 'b'.repeat(64);
const UNKNOWN = { outcome: 'unknown' };

let bed: AwsBed;
let provider: CellProvider;

async function started(): Promise<CellProvider> {
  const made = providerOver(bed);
  await made.start(soon());
  return made;
}

/** The machine of a new cell. */
async function machineOf(cellId: string): Promise<string> {
  await provider.launch(launchOf(cellId), soon());
  const machines = await machinesIn(bed);
  return machines.find(({ tags }) => tags['nodeless.io/cell'] === cellId)?.id ?? '';
}

const attest = (evidence: BootstrapEvidence, by = provider) => by.attest(evidence, soon());

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
  provider = await started();
});

afterEach(async () => {
  bed.set({});
  const left = await provider.list(soon());
  await Promise.all(left.map(({ tags }) => provider.terminate(tags.cellId, soon())));
});

afterAll(async () => {
  await provider.stop();
  await bed.close();
});

describe('a machine in EC2', () => {
  test("proves by its own program, of openssl and curl, which cell it is: STS finds the signature to be its role's", async () => {
    const instanceId = await machineOf('by-itself');
    const credentials = bed.roles.credentials(PROFILE, instanceId);
    const facts = imdsFacts({
      ...{ instanceId, credentials, region: BED_REGION, zone: 'us-east-1a', role: PROFILE },
      ...{ address: '172.31.0.4', podAddresses: ['172.31.0.5'], subnetCidr: '172.31.0.0/20' },
    });
    const imds = await serveImds(async () => facts, { host: '127.0.0.1', port: 0 });
    const folder = await mkdtemp(join(tmpdir(), 'nodeless-'));
    try {
      const program = identityScript({ region: BED_REGION, clusterUid: OWNER.clusterUid });
      await writeFile(join(folder, 'identity.sh'), program.replaceAll('http://169.254.169.254', imds.url));
      const { stdout } = await promisify(execFile)('sh', [join(folder, 'identity.sh'), KEY]);
      const evidence = { token: stdout.trim(), keyFingerprint: KEY, remoteAddress: '172.31.0.4' };
      expect(evidence.token.length).toBeLessThan(4_096);
      expect(await attest(evidence)).toEqual({ outcome: 'accepted', cellId: 'by-itself' });
    } finally {
      imds.server.close();
      await rm(folder, { recursive: true });
    }
  });

  test('is accepted with its first key, with that again, and with no other ever after', async () => {
    const instanceId = await machineOf('keyed');
    const [first, second] = await Promise.all([
      evidenceOf(bed, instanceId),
      evidenceOf(bed, instanceId, { keyFingerprint: OTHER_KEY }),
    ]);
    const accepted = { outcome: 'accepted', cellId: 'keyed' };
    const reused = { outcome: 'reused', cellId: 'keyed' };
    expect(await attest(first)).toEqual(accepted);
    expect(await attest(first)).toEqual(accepted);
    expect(await attest(second)).toEqual(reused);
    const later = await started();
    expect(await attest(second, later)).toEqual(reused);
    expect(await attest(first, later)).toEqual(accepted);
    await later.stop();
  });

  test('that asks with many keys at once, in two processes, is accepted with one at most, and with one in one process', async () => {
    const keys = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));
    const other = await started();
    const alone = await machineOf('hasty');
    const torn = await machineOf('torn');
    const tries = (instanceId: string, by: readonly CellProvider[]) =>
      Promise.all(
        keys.map(async (keyFingerprint, index) => {
          const evidence = await evidenceOf(bed, instanceId, { keyFingerprint });
          return (await attest(evidence, by[index % by.length])).outcome;
        }),
      );
    expect((await tries(alone, [provider])).filter((outcome) => outcome === 'accepted')).toHaveLength(1);
    const outcomes = await tries(torn, [provider, other]);
    expect(outcomes.filter((outcome) => outcome === 'accepted').length).toBeLessThanOrEqual(1);
    expect(outcomes).not.toContain('unknown');
    await other.stop();
  });

  test('is unknown where another process has made it another cell meanwhile', async () => {
    const instanceId = await machineOf('ours');
    const tag = { 'Tag.1.Key': 'nodeless.io/cell', 'Tag.1.Value': 'theirs' };
    await bed.ask({ Action: 'CreateTags', 'ResourceId.1': instanceId, ...tag });
    expect((await provider.list(soon())).map(({ tags }) => tags.cellId)).toEqual(['ours']);
    expect(await attest(await evidenceOf(bed, instanceId))).toEqual(UNKNOWN);
  });

  test.each<[string, Parameters<typeof evidenceOf>[2]]>([
    ['for another cluster', { clusterUid: 'other' }],
    ['by a role that is not that of its instance profile', { role: 'admin' }],
    ['by a role of that name in another account', { account: '999999999999' }],
  ])('is unknown by a proof %s', async (_title, given) => {
    const instanceId = await machineOf(
      `forged-${Object.keys(given ?? {})
        .join('')
        .toLowerCase()}`,
    );
    const evidence = await evidenceOf(bed, instanceId, given);
    expect(await attest(evidence)).toEqual(UNKNOWN);
    expect(await attest(await evidenceOf(bed, instanceId))).toMatchObject({ outcome: 'accepted' });
  });

  test('is unknown by a proof for another key than it asks with', async () => {
    const instanceId = await machineOf('swapped');
    const { token } = await evidenceOf(bed, instanceId, { keyFingerprint: OTHER_KEY });
    expect(await attest({ token, keyFingerprint: KEY, remoteAddress: '' })).toEqual(UNKNOWN);
  });

  test('that we did not launch, that is not there, or that has ended is unknown', async () => {
    const xml = await bed.ask({
      Action: 'RunInstances',
      ImageId: 'ami-0b301ce3ce347599c',
      MinCount: '1',
      MaxCount: '1',
    });
    const [, foreign = ''] = /<instanceId>(i-[0-9a-f]+)</.exec(xml) ?? [];
    expect(await attest(await evidenceOf(bed, foreign))).toEqual(UNKNOWN);
    await bed.ask({ Action: 'TerminateInstances', 'InstanceId.1': foreign });
    expect(await attest(await evidenceOf(bed, 'i-0123456789abcdef0'))).toEqual(UNKNOWN);
    const ended = await machineOf('over');
    await bed.ask({ Action: 'TerminateInstances', 'InstanceId.1': ended });
    expect(await attest(await evidenceOf(bed, ended))).toEqual(UNKNOWN);
  });

  test('may ask again where STS does not say who it is', async () => {
    const evidence = await evidenceOf(bed, await machineOf('unsettled'));
    for (const refuse of [
      { status: 503, code: 'ServiceUnavailable' },
      { status: 400, code: 'Throttling' },
      { status: 302, code: 'Moved' },
    ]) {
      bed.set({ actions: { 'sts:GetCallerIdentity': { refuse } } });
      await expect(attest(evidence)).rejects.toMatchObject({ code: 'AmbiguousOutcome', retryable: true });
    }
    bed.set({ actions: { 'sts:GetCallerIdentity': { loseAnswer: 'cut' } } });
    await expect(attest(evidence)).rejects.toMatchObject({ code: 'AmbiguousOutcome' });
    bed.set({});
    expect(await attest(evidence)).toEqual({ outcome: 'accepted', cellId: 'unsettled' });
  });

  test('may ask again where its key could not be written onto it', async () => {
    const evidence = await evidenceOf(bed, await machineOf('unwritten'));
    bed.set({ actions: { 'ec2:CreateTags': { refuse: { status: 403, code: 'UnauthorizedOperation' } } } });
    await expect(attest(evidence)).rejects.toMatchObject({ code: 'Unauthorized' });
    bed.set({});
    expect(await attest(evidence)).toEqual({ outcome: 'accepted', cellId: 'unwritten' });
  });
});
