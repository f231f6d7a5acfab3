import type { CellMachine } from '../../src/core/cell.ts';
import { messageOf, NodelessError } from '../../src/core/errors.ts';
import type { CellProvider, Claimant, LaunchRequest } from '../contract.ts';
import { abortable } from './abortable.ts';
import { type AwsClient, createAwsClient } from './api/aws-client.ts';
import { Ec2Boot } from './boot/cell-boot.ts';
import { Images } from './boot/images.ts';
import { type Catalogue, createCatalogue } from './catalogue/catalogue.ts';
import { readOwnSubnets } from './catalogue/sources.ts';
import { Attestor } from './identity/attestor.ts';
import { claimMachine } from './instances/claim.ts';
import { readConsole } from './instances/console.ts';
import { isAlive, keptOf, withDoublesApart } from './instances/doubles.ts';
import { Inventory } from './instances/inventory.ts';
import { TAG } from './instances/tags.ts';
import { Terminator } from './instances/terminator.ts';
import { Interruptions } from './interruption/interruptions.ts';
import { Launcher } from './launch/launcher.ts';
import type { AwsEc2ProviderOptions } from './options.ts';

/** Also what keeps `*` and `?`, which match anything, out of what EC2 is asked for. */
const CELL_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

class AwsEc2Provider implements CellProvider {
  readonly name = 'aws-ec2';
  readonly isSelfBounded = true;
  readonly #options: AwsEc2ProviderOptions;
  readonly #client: AwsClient;
  readonly #catalogue: Catalogue;
  readonly #inventory: Inventory;
  readonly #terminator: Terminator;
  readonly #images: Images;
  readonly #boot: Ec2Boot;
  readonly #launcher: Launcher;
  readonly #interruptions: Interruptions;
  readonly #stopped = new AbortController();
  readonly #claiming = new Map<string, Promise<void>>();
  readonly #launching = new Map<string, Promise<CellMachine>>();

  constructor(options: AwsEc2ProviderOptions) {
    const { settings, owner, clock, random, logger } = options;
    const { signal: stopped } = this.#stopped;
    this.#options = options;
    const client = createAwsClient({ settings, clock });
    this.#client = client;
    this.#catalogue = createCatalogue({
      client,
      settings,
      clock,
      random,
      onFailure: (part, error) =>
        logger.warn({ part, reason: messageOf(error) }, 'a part of the market can not be read'),
    });
    const inventory = new Inventory({ client, owner, clock, stopped });
    const terminator = new Terminator({ client, inventory, clock, stopped, logger });
    this.#inventory = inventory;
    this.#terminator = terminator;
    const { interruptionQueue: queueUrl } = settings;
    this.#interruptions = new Interruptions({ client, inventory, owner, queueUrl, clock, stopped, logger });
    this.#images = new Images({
      client,
      clock,
      random,
      onFailure: (parameter, error) =>
        logger.warn({ parameter, reason: messageOf(error) }, 'which image is the newest can not be read'),
    });
    const attestor = new Attestor({
      ...{ settings, owner, client, inventory, clock, logger },
      untilTagged: (cellId, signal) => this.#launcher.untilTagged(cellId, signal),
    });
    const kubernetesMinor = options.kubeletVersion.replace(/^v?(\d+\.\d+).*/, '$1');
    this.#boot = new Ec2Boot({ settings, owner, kubernetesMinor, images: this.#images, attestor });
    this.#launcher = new Launcher({
      ...{ client, settings, owner, inventory, terminator, clock, stopped, logger },
      boot: this.#boot,
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.health(signal);
  }

  async stop(): Promise<void> {
    this.#catalogue.stop();
    this.#images.stop();
    this.#stopped.abort(new Error('the provider is stopped'));
    this.#client.close();
  }

  offerings(signal: AbortSignal) {
    return this.#catalogue.offerings(signal);
  }

  async launch(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine> {
    signal.throwIfAborted();
    const { cellId } = request.tags;
    const underWay = this.#launching.get(cellId);
    if (underWay !== undefined) return underWay;
    const effort = this.#launch(request, signal).finally(() => this.#launching.delete(cellId));
    this.#launching.set(cellId, effort);
    return effort;
  }

  async #launch(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine> {
    const { tags, offering } = request;
    const isOurs = offering.launchType === 'ec2-on-demand' || offering.launchType === 'ec2-spot';
    if (!isOurs || !CELL_ID.test(tags.cellId)) {
      const message = `EC2 has no ${offering.launchType} machines for cell ${tags.cellId}`;
      throw new NodelessError({ code: 'InvalidConfig', message, identity: { cell: tags.cellId } });
    }
    const known = await this.#inventory.ofCell(tags.cellId, signal);
    const found = keptOf(known);
    return (found ?? (await this.#launcher.launch(request, signal))).machine;
  }

  async list(signal: AbortSignal): Promise<readonly CellMachine[]> {
    const machines = await this.#inventory.list(signal);
    // Who launches has listed before.
    this.#launcher.spares.renew(machines);
    const shown = withDoublesApart(machines).filter((one) => this.#launcher.spares.isUnderWay(one) !== true);
    // What never became a cell's, and has ended, is no news to anybody.
    return shown.filter((one) => one.tags[TAG.cell] !== undefined || isAlive(one)).map(({ machine }) => machine);
  }

  async terminate(cellId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // What EC2 was asked for comes, whoever has given up, and would come after its end was confirmed.
    const underWay = this.#launching.get(cellId)?.catch(() => undefined);
    if (underWay !== undefined) await abortable(underWay, signal);
    const ids = INSTANCE_ID.test(cellId) ? await this.#spare(cellId, signal) : await this.#ofCell(cellId, signal);
    this.#launcher.forget(cellId);
    await Promise.all(ids.map((id) => this.#terminator.end(id, signal)));
    this.#inventory.forget(cellId);
  }

  async #ofCell(cellId: string, signal: AbortSignal): Promise<readonly string[]> {
    return CELL_ID.test(cellId) ? this.#inventory.idsOf(cellId, signal) : [];
  }

  /** A machine that is listed by its own id since it is no cell's, or a double of one's, if that is still so. */
  async #spare(instanceId: string, signal: AbortSignal): Promise<readonly string[]> {
    this.#launcher.spares.drop(instanceId);
    const { clusterUid, virtualNodes } = this.#options.owner;
    const found = await this.#inventory.ofId(instanceId, signal);
    const { tags = {} } = found ?? {};
    const isOurs = tags[TAG.cluster] === clusterUid && virtualNodes.includes(tags[TAG.virtualNode] ?? '');
    if (found === undefined || !isOurs) return [];
    const { [TAG.cell]: cellId } = tags;
    if (cellId === undefined) return [instanceId];
    const same = await this.#inventory.ofCell(cellId, signal);
    return same.length > 1 && keptOf(same)?.instanceId !== instanceId ? [instanceId] : [];
  }

  async claim(cellId: string, by: Claimant, signal: AbortSignal): Promise<CellMachine> {
    const turn = (this.#claiming.get(cellId) ?? Promise.resolve()).then(() => this.#claim(cellId, by, signal));
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#claiming.set(cellId, settled);
    return turn.finally(() => this.#claiming.get(cellId) === settled && this.#claiming.delete(cellId));
  }

  async #claim(cellId: string, by: Claimant, signal: AbortSignal): Promise<CellMachine> {
    await this.#launcher.untilTagged(cellId, signal);
    const known = CELL_ID.test(cellId) ? await this.#inventory.ofCell(cellId, signal) : [];
    const one = keptOf(known);
    if (one === undefined || !isAlive(one)) {
      const message = `there is no cell ${cellId} that could be claimed`;
      throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
    }
    const parts = { client: this.#client, inventory: this.#inventory };
    return (await claimMachine(parts, one, by, signal)).machine;
  }

  async console(cellId: string, signal: AbortSignal): Promise<string> {
    const [instanceId] = await this.#ofCell(cellId, signal);
    if (instanceId !== undefined) return readConsole(this.#client, instanceId, signal);
    const message = `EC2 has no machine of cell ${cellId}`;
    throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
  }

  interruptions(...[take, signal]: Parameters<NonNullable<CellProvider['interruptions']>>): void {
    this.#interruptions.listen(take, signal);
  }

  attest(...[evidence, signal]: Parameters<CellProvider['attest']>) {
    return this.#boot.attest(evidence, signal);
  }

  /** Needs what every launch needs: credentials, the region, the subnets. */
  async health(signal: AbortSignal): Promise<void> {
    await readOwnSubnets(this.#client, this.#options.settings.subnets, signal);
  }
}

/** Cells that are machines in EC2. Nothing is asked of AWS until it is used. */
export function createAwsEc2Provider(options: AwsEc2ProviderOptions): CellProvider {
  return new AwsEc2Provider(options);
}
