import { isNodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { tagList } from '../instances/tags.ts';
import type { LaunchTemplate } from './template.ts';

/** Names that are remembered as made; more classes at a time than anybody has. */
const MAX_KNOWN = 1_000;

/** Launch templates, each made when it is first needed. */
export class Templates {
  readonly #client: AwsClient;
  readonly #made = new Map<string, Promise<void>>();

  constructor(client: AwsClient) {
    this.#client = client;
  }

  /** Resolves once there is a template of that name, which says that it is the same. */
  async ensure(template: LaunchTemplate, signal: AbortSignal): Promise<void> {
    const known = this.#made.get(template.name);
    if (known !== undefined) return known;
    const made = this.#make(template, signal).catch((error) => {
      this.#made.delete(template.name);
      throw error;
    });
    if (this.#made.size >= MAX_KNOWN) this.#made.clear();
    this.#made.set(template.name, made);
    return made;
  }

  /** It has gone without our doing: the next launch makes it again. */
  forget(name: string): void {
    this.#made.delete(name);
  }

  async #make({ name, data, tags }: LaunchTemplate, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.call(
        {
          action: 'ec2:CreateLaunchTemplate',
          family: 'mutate',
          identity: { template: name },
          run: ({ ec2 }, abortSignal) =>
            ec2.createLaunchTemplate(
              {
                LaunchTemplateName: name,
                LaunchTemplateData: data,
                TagSpecifications: [{ ResourceType: 'launch-template', Tags: tagList(tags) }],
              },
              { abortSignal },
            ),
        },
        signal,
      );
    } catch (error) {
      const isThere = isNodelessError(error) && String(error.identity.awsCode).includes('AlreadyExists');
      if (!isThere) throw error;
    }
  }
}
