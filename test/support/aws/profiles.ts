import { BED_ACCOUNT } from './machine-roles.ts';
import type { AwsRequest } from './wire.ts';

const DATA = 'LaunchTemplateData.IamInstanceProfile';

/** Instance profiles of machines, which the emulator takes in templates and forgets. */
export class Profiles {
  readonly #ofTemplates = new Map<string, string>();
  readonly #ofMachines = new Map<string, string>();

  /** Learns from what a template is made of. */
  template({ params }: AwsRequest): void {
    const arn = params.get(`${DATA}.Arn`);
    const name = arn === undefined ? params.get(`${DATA}.Name`) : arn.split('/').at(-1);
    if (name !== undefined) this.#ofTemplates.set(params.get('LaunchTemplateName') ?? '', name);
  }

  /** Learns which machines came of a fleet. */
  launched({ params }: AwsRequest, instanceIds: readonly string[]): void {
    const template = params.get('LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName') ?? '';
    const name = this.#ofTemplates.get(template);
    if (name !== undefined) for (const id of instanceIds) this.#ofMachines.set(id, name);
  }

  of(instanceId: string): string | undefined {
    return this.#ofMachines.get(instanceId);
  }

  /** A description of machines with their profiles in it. */
  shown(body: string): string {
    return body.replace(/<instanceId>(i-[0-9a-f]+)<\/instanceId>(?=<imageId>)/g, (text, id: string) => {
      const name = this.of(id);
      if (name === undefined) return text;
      const arn = `arn:aws:iam::${BED_ACCOUNT}:instance-profile/${name}`;
      return `${text}<iamInstanceProfile><arn>${arn}</arn><id>AIPABED</id></iamInstanceProfile>`;
    });
  }
}
