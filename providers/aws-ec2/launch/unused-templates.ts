import type { Clock } from '../../../src/core/clock.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { allPages } from '../api/pages.ts';
import { type Home, TAG } from '../instances/tags.ts';

export interface UnusedTemplatesOptions {
  readonly client: AwsClient;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
}

const HOUR_MS = 3_600_000;
/** So long nobody has launched by a template that is deleted. */
const UNUSED_MS = 24 * HOUR_MS;
const LOOK_EVERY_MS = HOUR_MS;
const DEADLINE_MS = 60_000;
const PER_PAGE = 200;

/**
 * Deletes launch templates that nothing is launched by any more: each change of a class, an image or the authority makes
 * another. One that is needed after all is made again, and machines do not need theirs.
 */
export class UnusedTemplates {
  readonly #options: UnusedTemplatesOptions;
  readonly #usedAtMs = new Map<string, number>();
  readonly #lookedAtMs = new Map<string, number>();

  constructor(options: UnusedTemplatesOptions) {
    this.#options = options;
  }

  /** A machine of a virtual node is launched by a template now. Looks behind that, once an hour, for what is not needed. */
  used(name: string, home: Home): void {
    const nowMs = this.#options.clock.now();
    this.#usedAtMs.delete(name);
    this.#usedAtMs.set(name, nowMs);
    // In the order of their use, so the first that counts still ends the search.
    for (const [known, atMs] of this.#usedAtMs) {
      if (atMs > nowMs - UNUSED_MS) break;
      this.#usedAtMs.delete(known);
    }
    if (nowMs - (this.#lookedAtMs.get(home.virtualNode) ?? 0) < LOOK_EVERY_MS) return;
    this.#lookedAtMs.set(home.virtualNode, nowMs);
    // What can't be deleted now is looked at again in an hour.
    this.#deleteUnused(home, nowMs - UNUSED_MS).catch(() => undefined);
  }

  async #deleteUnused(home: Home, beforeMs: number): Promise<void> {
    const signal = AbortSignal.any([this.#options.stopped, AbortSignal.timeout(DEADLINE_MS)]);
    const templates = await this.#templatesOf(home, signal);
    for (const { LaunchTemplateName: name = '', CreateTime } of templates) {
      const isOld = CreateTime !== undefined && CreateTime.getTime() < beforeMs;
      if (isOld && !this.#usedAtMs.has(name)) await this.#delete(name, signal);
    }
  }

  #templatesOf({ clusterUid, virtualNode }: Home, signal: AbortSignal) {
    const Filters = [
      { Name: `tag:${TAG.cluster}`, Values: [clusterUid] },
      { Name: `tag:${TAG.virtualNode}`, Values: [virtualNode] },
    ];
    return allPages(async (NextToken) => {
      const answer = await this.#options.client.call(
        {
          action: 'ec2:DescribeLaunchTemplates',
          family: 'describe',
          run: ({ ec2 }, abortSignal) =>
            ec2.describeLaunchTemplates({ Filters, MaxResults: PER_PAGE, NextToken }, { abortSignal }),
        },
        signal,
      );
      return { items: answer.LaunchTemplates ?? [], next: answer.NextToken };
    });
  }

  async #delete(LaunchTemplateName: string, signal: AbortSignal): Promise<void> {
    await this.#options.client.call(
      {
        action: 'ec2:DeleteLaunchTemplate',
        family: 'mutate',
        identity: { template: LaunchTemplateName },
        run: ({ ec2 }, abortSignal) => ec2.deleteLaunchTemplate({ LaunchTemplateName }, { abortSignal }),
      },
      signal,
    );
  }
}
