import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request as httpRequest } from 'undici';
import { ClientTokens } from './client-tokens.ts';
import type { ActionFault, AwsFaults } from './faults.ts';
import {
  asking,
  emptyFleet,
  fill,
  type Launched,
  launchedIds,
  together,
  withErrors,
  withoutMachines,
} from './fleet.ts';
import { InterruptionQueue } from './interruption-queue.ts';
import { MachineRoles } from './machine-roles.ts';
import { answerParameter } from './parameters.ts';
import { priceListPage, spotPriceUsd } from './price-list.ts';
import { Profiles } from './profiles.ts';
import { answerCallerIdentity, stsError } from './sts.ts';
import { TokenBucket } from './token-bucket.ts';
import { WholeAnswers } from './whole-answers.ts';
import { type AwsAnswer, type AwsRequest, ec2Error, jsonError, readRequest, xml } from './wire.ts';
import { openSet, pageOf, textOf, withItems } from './xml-set.ts';

export interface AwsProxyOptions {
  /** Where what is not answered here is passed on to. */
  readonly upstream: string;
  /** Folder of answers that are made once. */
  readonly keptAnswers: string;
  /** Actions that the credentials may do. */
  readonly allowed: ReadonlySet<string>;
  readonly zoneOf: (subnetId: string) => string;
  /** Address to listen on; loopback unless given. */
  readonly host?: string;
}

export interface AwsProxy {
  readonly url: string;
  /** Instance profiles of machines. */
  readonly profiles: Profiles;
  /** Who signs what STS is shown. */
  readonly roles: MachineRoles;
  /** What machines have written to their consoles, by their ids. */
  readonly consoles: Map<string, () => Promise<string>>;
  /** What is told of interruptions. */
  readonly queue: InterruptionQueue;
  /** Every action that was ever asked for. */
  readonly actions: ReadonlySet<string>;
  /** Every request since the last `forget`. */
  readonly requests: readonly AwsRequest[];
  set(faults: AwsFaults): void;
  forget(): void;
  close(): Promise<void>;
}

const UPSTREAM_TIMEOUT_MS = 60_000;
const STS = 'sts:GetCallerIdentity';
const ERRORS: Readonly<Record<string, typeof ec2Error>> = { ec2: ec2Error, sts: stsError };

/** Lists that EC2 gives in pages, and the emulator whole. */
const PAGED: Readonly<Record<string, { readonly set: string; readonly most: number }>> = {
  'ec2:DescribeInstanceTypes': { set: 'instanceTypeSet', most: 100 },
  'ec2:DescribeInstanceTypeOfferings': { set: 'instanceTypeOfferingSet', most: 1_000 },
  'ec2:DescribeSpotPriceHistory': { set: 'spotPriceHistorySet', most: 1_000 },
};

/** The emulator's spot prices are all the same. */
function withSpotPrices(body: string): string {
  const whole = openSet(body, 'spotPriceHistorySet');
  const items = whole.items.map((item) => {
    const usd = spotPriceUsd(textOf(item, 'instanceType') ?? '', textOf(item, 'availabilityZone') ?? '');
    return item.replace(/<spotPrice>[^<]*/, `<spotPrice>${usd.toFixed(6)}`);
  });
  return withItems(whole, items);
}

/** Leaves out machines that are too new to be seen. */
function withoutNew(body: string, isNew: (id: string) => boolean): string {
  const whole = openSet(body, 'reservationSet');
  return withItems(
    whole,
    whole.items.filter((item) => !isNew(textOf(item, 'instanceId') ?? '')),
  );
}

/** Stands between a client and the emulator: does what that leaves out, and what AWS does on a bad day. */
export async function startAwsProxy(options: AwsProxyOptions): Promise<AwsProxy> {
  const { upstream, keptAnswers, allowed, zoneOf, host = '127.0.0.1' } = options;
  const agent = new Agent({ connections: 16 });
  const requests: AwsRequest[] = [];
  const actions = new Set<string>();
  const tokens = new ClientTokens();
  const profiles = new Profiles();
  const roles = new MachineRoles();
  const whole = new WholeAnswers(keptAnswers);
  const launched: Launched = new Map();
  const createdAtMs = new Map<string, number>();
  const queue = new InterruptionQueue();
  const consoles: AwsProxy['consoles'] = new Map();
  let faults: AwsFaults = {};
  let befallen = new Map<string, number>();
  let requestBuckets = new Map<string, TokenBucket>();
  let instanceBucket: TokenBucket | undefined;

  async function pass({ region, service }: AwsRequest, body: string): Promise<AwsAnswer> {
    const authorization = `AWS4-HMAC-SHA256 Credential=bed/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=bed`;
    const answer = await httpRequest(upstream, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body,
      dispatcher: agent,
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS),
    });
    return xml(await answer.body.text(), answer.statusCode);
  }

  async function paged(request: AwsRequest, set: string, most: number): Promise<AwsAnswer> {
    const { action, params } = request;
    const asked = new URLSearchParams([...params]);
    for (const name of ['MaxResults', 'NextToken', 'StartTime']) asked.delete(name);
    const query = asked.toString();
    const all = whole.get(`${request.region} ${query}`, set, async () => {
      const { status, body } = await pass(request, query);
      if (status !== 200) throw new Error(`the emulator answered ${action} with ${status}: ${body}`);
      return body;
    });
    const size = Math.min(most, Number(params.get('MaxResults') ?? most));
    const page = pageOf(await all, set, size, params.get('NextToken'));
    return xml(action === 'ec2:DescribeSpotPriceHistory' ? withSpotPrices(page) : page);
  }

  async function createFleet(request: AwsRequest): Promise<AwsAnswer> {
    const template = request.params.get('LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName') ?? '';
    const { unnamedMachines = 0, templatesAfterMs = 0 } = faults;
    if (Date.now() - (createdAtMs.get(template) ?? 0) < templatesAfterMs)
      return ec2Error(400, 'InvalidLaunchTemplateName.NotFoundException', 'not known yet');
    const grant = (wanted: number) => instanceBucket?.take(wanted) ?? wanted;
    const { count, shares, errors } = fill(request, faults, zoneOf, launched, grant);
    if (count === 0) return xml(emptyFleet(errors));
    const answers: AwsAnswer[] = [];
    for (const share of shares) {
      const answer = await pass(request, asking(request, share.index, share.count));
      if (answer.status !== 200) return answer;
      answers.push(answer);
    }
    const body = together(answers.map((answer) => answer.body));
    const ids = launchedIds(body);
    for (const id of ids) createdAtMs.set(id, Date.now());
    profiles.launched(request, ids);
    return xml(withErrors(withoutMachines(body, unnamedMachines), errors));
  }

  async function consoleOutput({ params }: AwsRequest): Promise<AwsAnswer> {
    const id = params.get('InstanceId') ?? '';
    const text = (await consoles.get(id)?.()) ?? '';
    const output = Buffer.from(text).toString('base64');
    const fields = `<instanceId>${id}</instanceId><timestamp>${new Date().toISOString()}</timestamp><output>${output}</output>`;
    return xml(
      `<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15">${fields}</GetConsoleOutputResponse>`,
    );
  }

  async function perform(request: AwsRequest): Promise<AwsAnswer> {
    const { action } = request;
    if (request.params.get('DryRun') === 'true')
      return ec2Error(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
    if (action === 'pricing:GetProducts') {
      return { status: 200, contentType: 'application/x-amz-json-1.1', body: priceListPage(request.body) };
    }
    if (action === 'sqs:ReceiveMessage') return queue.receive(request.body);
    if (action === 'sqs:DeleteMessage') return queue.remove(request.body);
    if (action === 'ssm:GetParameter') return answerParameter(request.body);
    if (action === 'ec2:CreateLaunchTemplate') {
      profiles.template(request);
      const name = request.params.get('LaunchTemplateName') ?? '';
      if (!createdAtMs.has(name)) createdAtMs.set(name, Date.now());
    }
    const inPages = PAGED[action];
    if (inPages !== undefined) return paged(request, inPages.set, inPages.most);
    if (action === 'ec2:CreateFleet') return createFleet(request);
    if (action === 'ec2:GetConsoleOutput') return consoleOutput(request);
    const passed = await pass(request, request.body);
    if (action !== 'ec2:DescribeInstances') return passed;
    const answer = { ...passed, body: profiles.shown(passed.body) };
    const { visibleAfterMs = 0 } = faults;
    const isNew = (id: string) => Date.now() - (createdAtMs.get(id) ?? 0) < visibleAfterMs;
    return visibleAfterMs === 0 ? answer : { ...answer, body: withoutNew(answer.body, isNew) };
  }

  function refusal({ action, service }: AwsRequest, fault: ActionFault | undefined): AwsAnswer | undefined {
    const error = ERRORS[service] ?? jsonError;
    if (service !== 'sts' && !allowed.has(action))
      return error(403, 'UnauthorizedOperation', `You are not authorized to perform ${action}`);
    const bucket = requestBuckets.get(action) ?? requestBuckets.get('*');
    if (bucket?.take(1) === 0) return error(503, 'RequestLimitExceeded', 'Request limit exceeded.');
    return fault?.refuse && error(fault.refuse.status, fault.refuse.code, 'injected');
  }

  /** The fault of an action, as often as it is to befall. */
  function faultOf(action: string): ActionFault | undefined {
    const fault = faults.actions?.[action];
    const count = (befallen.get(action) ?? 0) + 1;
    befallen.set(action, count);
    return fault !== undefined && count <= (fault.times ?? Number.POSITIVE_INFINITY) ? fault : undefined;
  }

  /** Cells ask STS, by their own credentials; nobody has to allow that. */
  async function handleCaller({ url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(url ?? '/', 'http://bed');
    const request = { service: 'sts', region: '', action: STS, params: new Map(asked.searchParams), body: '' };
    await handle(request, response, () => answerCallerIdentity(asked, headers, roles));
  }

  async function handle(
    request: AwsRequest,
    response: ServerResponse,
    answering: () => Promise<AwsAnswer> = () => perform(request),
  ): Promise<void> {
    requests.push(request);
    if (request.service !== 'sts') actions.add(request.action);
    const fault = faultOf(request.action);
    await delay((faults.latencyMs ?? 0) + (fault?.delayMs ?? 0));
    const refused = refusal(request, fault);
    const answer = refused ?? (await tokens.once(request, answering));
    if (refused === undefined && fault?.loseAnswer === 'cut') return void response.destroy();
    const isLost = refused === undefined && fault?.loseAnswer === 'internal-error';
    const { status, contentType, body } = isLost ? ec2Error(500, 'InternalError', 'An internal error') : answer;
    response.writeHead(status, { 'content-type': contentType }).end(body);
  }

  const server = createServer((request, response) => {
    const handled =
      request.method === 'GET'
        ? handleCaller(request, response)
        : readRequest(request).then((read) => handle(read, response));
    handled.catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    profiles,
    roles,
    consoles,
    queue,
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    actions,
    requests,
    set(next) {
      faults = next;
      befallen = new Map();
      requestBuckets = new Map(
        Object.entries(next.requestBuckets ?? {}).map(([action, size]) => [action, new TokenBucket(size)]),
      );
      instanceBucket = next.instanceBucket && new TokenBucket(next.instanceBucket);
      launched.clear();
    },
    forget() {
      requests.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await agent.destroy();
    },
  };
}
