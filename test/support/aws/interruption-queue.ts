import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type AwsAnswer, jsonError } from './wire.ts';

/** The URL by which clients name the queue of the bed. */
export const QUEUE_URL = 'https://sqs.us-east-1.amazonaws.com/000000000000/nodeless';

interface Message {
  readonly id: string;
  readonly body: string;
  hiddenUntilMs: number;
}

const LOOK_MS = 50;

function answer(body: object): AwsAnswer {
  return { status: 200, contentType: 'application/x-amz-json-1.0', body: JSON.stringify(body) };
}

/** A queue as SQS has them: what was received and is not deleted comes again. */
export class InterruptionQueue {
  readonly #messages = new Map<string, Message>();

  /** How many messages nobody has deleted. */
  get size(): number {
    return this.#messages.size;
  }

  /** Puts an event into the queue, as EventBridge does. */
  send(type: string, detail: object, time = new Date()): void {
    const id = randomUUID();
    const body = JSON.stringify({ 'detail-type': type, time: `${time.toISOString().slice(0, 19)}Z`, detail });
    this.#messages.set(id, { id, body, hiddenUntilMs: 0 });
  }

  async receive(body: string): Promise<AwsAnswer> {
    const asked = JSON.parse(body) as { QueueUrl: string; WaitTimeSeconds: number; VisibilityTimeout: number };
    if (asked.QueueUrl !== QUEUE_URL) return this.#missing();
    const untilMs = Date.now() + asked.WaitTimeSeconds * 1_000;
    let visible = this.#visible();
    while (visible.length === 0 && Date.now() < untilMs) {
      await delay(LOOK_MS);
      visible = this.#visible();
    }
    for (const message of visible) message.hiddenUntilMs = Date.now() + asked.VisibilityTimeout * 1_000;
    const Messages = visible.map(({ id, body: Body }) => {
      const MD5OfBody = createHash('md5').update(Body).digest('hex');
      return { MessageId: id, ReceiptHandle: id, Body, MD5OfBody };
    });
    return answer(Messages.length === 0 ? {} : { Messages });
  }

  remove(body: string): AwsAnswer {
    const { QueueUrl, ReceiptHandle } = JSON.parse(body) as { QueueUrl: string; ReceiptHandle: string };
    if (QueueUrl !== QUEUE_URL) return this.#missing();
    this.#messages.delete(ReceiptHandle);
    return answer({});
  }

  #visible(): readonly Message[] {
    return [...this.#messages.values()].filter(({ hiddenUntilMs }) => Date.now() >= hiddenUntilMs).slice(0, 10);
  }

  #missing(): AwsAnswer {
    return jsonError(400, 'com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.');
  }
}
