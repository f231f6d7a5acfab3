import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { al2023Parameter } from '../../../providers/aws-ec2/boot/family.ts';

interface Statement {
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

const FILE = new URL('../../../deploy/iam/aws-ec2.json', import.meta.url);
const { Statement: STATEMENTS } = JSON.parse(await readFile(FILE, 'utf8')) as { Statement: readonly Statement[] };

/** Whether an ARN is one of those that a pattern of a policy means; `*` is any text. */
function isMeant(pattern: string, arn: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(arn);
}

function isAllowed(action: string, arn: string): boolean {
  const statements = STATEMENTS.filter(({ Action }) => Action.includes(action));
  return statements.some(({ Resource }) => [Resource].flat().some((pattern) => isMeant(pattern, arn)));
}

describe('the IAM policy', () => {
  test.each([
    al2023Parameter('1.34', 'amd64'),
    al2023Parameter('1.34', 'arm64'),
    '/aws/service/canonical/ubuntu/eks/24.04/1.34/stable/current/amd64/hvm/ebs-gp3/ami-id',
  ])('lets %s be read, which AWS publishes', (name) => {
    expect(isAllowed('ssm:GetParameter', `arn:aws:ssm:eu-central-1::parameter${name}`)).toBe(true);
  });

  test.each(['/database/password', '/aws/service/eks', '/aws/service'])('lets no %s of the account be read', (name) => {
    expect(isAllowed('ssm:GetParameter', `arn:aws:ssm:eu-central-1:123456789012:parameter${name}`)).toBe(false);
  });

  test('gives no machine a role before somebody has said which', () => {
    expect(isAllowed('iam:PassRole', 'arn:aws:iam::123456789012:role/administrator')).toBe(false);
    const [passed] = STATEMENTS.filter(({ Action }) => Action.includes('iam:PassRole'));
    expect(passed?.Resource).toBe('arn:aws:iam::ACCOUNT_ID:role/ROLE_OF_CELLS');
  });

  test('is about all of AWS only where it reads what is no secret, or a condition bounds it', () => {
    const everywhere = STATEMENTS.filter(({ Resource }) => Resource === '*');
    const unbounded = everywhere.filter(({ Condition }) => Condition === undefined).flatMap(({ Action }) => Action);
    expect(unbounded.length).toBeGreaterThan(5);
    expect(unbounded.filter((action) => !/^ec2:Describe\w+$|^pricing:GetProducts$/.test(action))).toEqual([]);
  });
});
