import { createHash } from 'node:crypto';
import { type AwsAnswer, type AwsRequest, ec2Error } from './wire.ts';

/**
 * What EC2 does with client tokens: the same token with the same request gives the same answer, done once; with another
 * request it is refused.
 */
export class ClientTokens {
  readonly #known = new Map<string, { readonly request: string; readonly answer: Promise<AwsAnswer> }>();

  async once(request: AwsRequest, perform: () => Promise<AwsAnswer>): Promise<AwsAnswer> {
    const token = request.params.get('ClientToken');
    if (token === undefined) return perform();
    if (token.length > 64 || !/^[\x20-\x7e]*$/.test(token)) {
      return ec2Error(400, 'InvalidParameterValue', 'ClientToken has to be at most 64 ASCII characters');
    }
    const digest = createHash('sha256').update(request.body).digest('hex');
    const known = this.#known.get(token);
    if (known === undefined) {
      const answer = perform();
      this.#known.set(token, { request: digest, answer });
      return answer;
    }
    if (known.request === digest) return known.answer;
    return ec2Error(400, 'IdempotentParameterMismatch', `The client token ${token} was used with other parameters`);
  }
}
