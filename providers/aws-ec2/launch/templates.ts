import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { tagList } from '../instances/tags.ts';
import type { LaunchTemplate } from './template.ts';

/** Names that are remembered as made; more classes at a time than anybody has. */
const MAX_KNOWN = 1_000;
/** EC2 may not know a template for some seconds after it was made. */
const LAG_ATTEMPTS = 6;
const LAG_MIN_MS = 500;
const LAG_MAX_MS = 4_000;

/** Whether an AWS code says that there is no template of a name. */
export function isMissingTemplate(awsCode: unknown): boolean {
  return /^InvalidLaunchTemplate.*NotFound/.test(String(awsCode));
}

/** Launch templates, each made when it is first needed. */
export class Templates {
  readonly #client: AwsClient;
  readonly #clock: Clock;
  readonly #made = new Map<string, Promise<void>>();

  constructor(client: AwsClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * Does what needs the templates, which are made first, and again where EC2 says that one is not there: somebody has deleted
   * it, or EC2 does not know it yet.
   */
  async use<T>(
    templates: readonly LaunchTemplate[],
    run: (isAgain: boolean) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const backoff = createBackoff(LAG_MIN_MS, LAG_MAX_MS);
    for (let attempt = 1; ; attempt += 1) {
      await Promise.all(templates.map((template) => this.#ensure(template, signal)));
      try {
        return await run(attempt > 1);
      } catch (error) {
        const isMissing = isNodelessError(error, 'NotFound') && isMissingTemplate(error.identity.awsCode);
        if (!isMissing || attempt === LAG_ATTEMPTS) throw error;
        for (const { name } of templates) this.#made.delete(name);
        await this.#clock.sleep(backoff.next(), signal);
      }
    }
  }

  /** Resolves once there is a template of that name, which says that it is the same. */
  async #ensure(template: LaunchTemplate, signal: AbortSignal): Promise<void> {
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
