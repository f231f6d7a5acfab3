import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Base64 of the text wherever it begins within three bytes, less the letters that its neighbours have a part in. */
function base64Forms(text: string): readonly string[] {
  const bytes = Buffer.byteLength(text);
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]).toString('base64');
    return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes) * 8) / 6));
  });
}

/** How a secret may show: as it is, and within base64, once or twice. Of a PEM, by its longest line. */
export function formsOf(secret: string): readonly string[] {
  const [longest = ''] = secret.split('\n').sort((a, b) => b.length - a.length);
  const once = base64Forms(longest);
  return [longest, ...once, ...once.flatMap(base64Forms)];
}

/** Each place (by its name) whose text discloses a secret (by its name). */
export function disclosures(
  secrets: Readonly<Record<string, string>>,
  places: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.entries(secrets).flatMap(([secret, value]) => {
    const forms = formsOf(value);
    return Object.entries(places)
      .filter(([, text]) => forms.some((form) => text.includes(form)))
      .map(([place]) => `${secret} in ${place}`);
  });
}

const LOOK_MS = 5;
/** A process is looked at again after its start, since it may still become another program. */
const LOOKS = 5;

/** Reads the command line of every process of the machine until it is stopped; resolves then with all that were seen. */
export function watchCommandLines(): { stop(): Promise<string> } {
  const seen = new Set<string>();
  const looks = new Map<string, number>();
  const stopped = new AbortController();
  async function look(): Promise<void> {
    while (!stopped.signal.aborted) {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      for (const pid of looks.keys()) if (!pids.includes(pid)) looks.delete(pid);
      for (const pid of pids.filter((one) => (looks.get(one) ?? 0) < LOOKS)) {
        looks.set(pid, (looks.get(pid) ?? 0) + 1);
        seen.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
      }
      await delay(LOOK_MS);
    }
  }
  const looking = look();
  return {
    async stop() {
      stopped.abort();
      await looking;
      return [...seen].join('\n').replaceAll('\0', ' ');
    },
  };
}

/** The environments of processes, one after the other. */
export async function environmentsOf(pids: readonly number[]): Promise<string> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  return texts.join('\n').replaceAll('\0', '\n');
}
