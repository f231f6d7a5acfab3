import { readFile } from 'node:fs/promises';

interface Policy {
  readonly Statement: readonly { readonly Effect: string; readonly Action: readonly string[] }[];
}

/** The actions that deploy/iam/aws-ec2.json allows. */
export async function allowedActions(): Promise<ReadonlySet<string>> {
  const file = new URL('../../../deploy/iam/aws-ec2.json', import.meta.url);
  const { Statement } = JSON.parse(await readFile(file, 'utf8')) as Policy;
  return new Set(Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action));
}
