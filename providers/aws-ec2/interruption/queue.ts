import type { AwsClient } from '../api/aws-client.ts';

/** One message, and by what it is deleted. */
export interface QueueMessage {
  readonly body: string;
  readonly receipt: string;
}

/** SQS answers sooner where there is something. */
const WAIT_SECONDS = 10;
/** What is not deleted comes again so soon: to whom it concerns, or when that one leads. */
const AGAIN_SECONDS = 10;
const MAX_MESSAGES = 10;

/** The next messages of a queue, after some seconds where there are none. @throws NodelessError of the provider contract */
export async function receive(
  client: AwsClient,
  queueUrl: string,
  signal: AbortSignal,
): Promise<readonly QueueMessage[]> {
  const { Messages = [] } = await client.call(
    {
      action: 'sqs:ReceiveMessage',
      family: 'queue',
      identity: { queue: queueUrl },
      run: ({ sqs }, abortSignal) =>
        sqs.receiveMessage(
          {
            QueueUrl: queueUrl,
            WaitTimeSeconds: WAIT_SECONDS,
            VisibilityTimeout: AGAIN_SECONDS,
            MaxNumberOfMessages: MAX_MESSAGES,
          },
          { abortSignal },
        ),
    },
    signal,
  );
  return Messages.flatMap(({ Body: body, ReceiptHandle: receipt }) =>
    body === undefined || receipt === undefined ? [] : [{ body, receipt }],
  );
}

/** A message is done with. */
export async function remove(
  client: AwsClient,
  queueUrl: string,
  { receipt }: QueueMessage,
  signal: AbortSignal,
): Promise<void> {
  await client.call(
    {
      action: 'sqs:DeleteMessage',
      family: 'queue',
      run: ({ sqs }, abortSignal) => sqs.deleteMessage({ QueueUrl: queueUrl, ReceiptHandle: receipt }, { abortSignal }),
    },
    signal,
  );
}
