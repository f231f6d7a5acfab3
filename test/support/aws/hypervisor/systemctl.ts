/** The unit of an image of which nothing else is needed. */
export const CONTAINERD_UNIT = `[Service]
ExecStart=/usr/bin/containerd
Restart=always
`;

/**
 * Stands in for systemd, which can't run in a namespace of another machine: runs units as their files say, one shell each,
 * and again when they end. What it does not know it refuses, so that user data that needs more is found out.
 */
export const SYSTEMCTL = `#!/bin/sh
set -eu
units=/etc/systemd/system
field() { sed -n "s/^$2=//p" "$units/$1.service"; }
keep() {
  before=$(field "$1" ExecStartPre)
  start=$(field "$1" ExecStart)
  while :; do
    if [ -z "$before" ] || $before; then $start || :; fi
    sleep "$(field "$1" RestartSec | grep . || echo 1)"
  done
}
verb=$1
shift
now=
for word; do
  case $word in
    --now) now=1 ;;
    --no-block) ;;
    -*) echo "no such flag: $word" >&2; exit 1 ;;
  esac
done
case $verb in
  daemon-reload) exit 0 ;;
  disable | enable | restart) ;;
  *) echo "no such verb: $verb" >&2; exit 1 ;;
esac
for unit; do
  case $unit in -*) continue ;; esac
  [ -e "$units/$unit.service" ] || { echo "Unit $unit.service does not exist" >&2; exit 1; }
  [ $verb != restart ] || { echo "started $unit"; keep "$unit" >> "/var/log/$unit.log" 2>&1 < /dev/null & }
done
`;
