import type { FuzzRequest } from './grammar/request.ts';
import type { WireReply } from './wire/reply.ts';
import type { ForbiddenWords } from './world.ts';

/** Everything a request says, also as it reads once and twice decoded. */
function saidBy({ url, headers, body }: FuzzRequest): string {
  const text = [url, ...headers.flat(), body?.toString('latin1') ?? ''].join('\n');
  const once = decoded(text);
  return `${text}\n${once}\n${decoded(once)}`.toLowerCase();
}

function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The words of a victim in what was read: values that no request carries, and names that this one has not said. */
export function foreignWords(read: string, said: string, { secrets, names }: ForbiddenWords): readonly string[] {
  const known = said.toLowerCase();
  return [
    ...secrets.filter((word) => read.includes(word)),
    ...names.filter((name) => read.includes(name) && !known.includes(name.toLowerCase())),
  ];
}

/** What is wrong with an answer: what it tells of a victim, or that it was given at all. */
export function faultsOf(request: FuzzRequest, reply: WireReply, forbidden: ForbiddenWords): readonly string[] {
  const faults: string[] = [];
  for (const word of forbidden.secrets)
    if (reply.text.includes(word)) faults.push(`the answer has the secret ${word.slice(0, 24)}…`);
  const names = forbidden.names.filter((name) => reply.text.includes(name));
  if (names.length > 0) {
    const said = saidBy(request);
    for (const name of names)
      if (!said.includes(name.toLowerCase())) faults.push(`the answer has ${name}, the request has not`);
  }
  const granted = reply.status >= 200 && reply.status < 300;
  if (granted && request.aimed && request.method !== 'OPTIONS')
    faults.push(`answered with ${reply.status}, though it is about a victim`);
  if (reply.status === 500) faults.push('answered with 500');
  if (/content-encoding/i.test(reply.text.slice(0, 2_000))) faults.push('the answer is encoded and was not searched');
  return faults;
}
