import { quote } from './shell.ts';
import { CLIENT_PAIR } from './signing-request.ts';

export interface BootstrapScriptOptions {
  /** The machine's folder. */
  readonly directory: string;
  /** Shell lines that make `bootstrap` where whoever made the machine did not; they see to it that it appears at once. */
  readonly prepare?: string;
  /** Shell lines that write into `bootstrap/curl.conf`, before each attempt, who asks; where that is not in it for good. */
  readonly authorize?: string;
}

/**
 * The program that gets a machine its first certificate, run on the machine before its kubelet. It has
 * one key and one request for all attempts, so that a lost answer is a repetition, where a kubelet's own bootstrap
 * would ask with another key. It ends with the certificate only, and may be killed and run again at any
 * instant. The pair is kept in the kubelet's way: a file for each time and a link to the current one, since a kubelet
 * refuses to rotate what is no link. A shell and curl, because they cost a tenth of what a Node.js program does.
 */
export function bootstrapScript({ directory, prepare, authorize }: BootstrapScriptOptions): string {
  return `#!/bin/sh
set -eu
umask 077
cd ${quote(directory)}
${prepare ?? ''}read -r url granted < bootstrap/urls

# Of this process: a curl that outlives a killed predecessor writes elsewhere.
answer=bootstrap/answer.$$
error=bootstrap/error.$$

ask() { curl -q --config bootstrap/curl.conf --output $answer "$@" 2> $error || :; }

authorize() {
  ${authorize ?? ':'}
}

attempt() {
  : > $answer
  : > $error
  status=none
  authorize 2> $error || return 1
  status=$(ask --data-binary @bootstrap/request.json "$url")
  [ "$status" != 409 ] || status=$(ask "$granted")
  case $status in 200 | 201) ;; *) return 1 ;; esac
  certificate=$(sed -n 's/.*"certificate" *: *"\\([A-Za-z0-9+/=]*\\)".*/\\1/p' $answer)
  echo "$certificate" | base64 -d > bootstrap/client.pem
  grep -q '^-----BEGIN CERTIFICATE-----' bootstrap/client.pem
}

tell() {
  why="$status $(head -c 300 $error | sed 's/ after [0-9]* ms//') $(head -c 300 $answer)"
  [ "$why" = "$told" ] || echo "$(date -u +%FT%TZ) no certificate yet, asking on: $why"
  told=$why
}

told=
pause=0.05
until attempt; do
  tell
  sleep "$pause"
  case $pause in 0.05) pause=0.1 ;; 0.1) pause=0.2 ;; 0.2) pause=0.5 ;; 0.5) pause=1 ;; *) pause=2 ;; esac
done

pair=$PWD/pki/kubelet-client-$(date +%Y-%m-%d-%H-%M-%S).pem
{ cat bootstrap/client.pem; echo; cat bootstrap/key.pem; } > "$pair"
ln -sf "$pair" pki/kubelet-client-updated.pem
mv -f pki/kubelet-client-updated.pem ${CLIENT_PAIR}
# What asked is of no more use. Last: whoever dies before has to ask again.
rm -rf bootstrap
`;
}
