import { type AwsAnswer, jsonError } from './wire.ts';

/** Images of the emulator that stand for EKS' of Amazon Linux 2023. */
const IMAGES: Readonly<Record<string, string>> = {
  x86_64: 'ami-0b301ce3ce347599c',
  arm64: 'ami-0e9271c829888680e',
};

const OPTIMIZED =
  /^\/aws\/service\/eks\/optimized-ami\/1\.\d+\/amazon-linux-2023\/([^/]+)\/standard\/recommended\/image_id$/;

/** Answers GetParameter for the parameters that AWS itself publishes, which the emulator has none of. */
export function answerParameter(body: string): AwsAnswer {
  const { Name = '' } = JSON.parse(body) as { readonly Name?: string };
  const Value = IMAGES[OPTIMIZED.exec(Name)?.[1] ?? ''];
  if (Value === undefined) return jsonError(400, 'ParameterNotFound', Name);
  const answer = { Parameter: { Name, Type: 'String', Value, Version: 1 } };
  return { status: 200, contentType: 'application/x-amz-json-1.1', body: JSON.stringify(answer) };
}
