#!/bin/sh
# Guards the agent: switches the machine off when its lease ran out and nothing works, when the lease ran out long ago,
# when the session is over, or when no lease ever came. Needs only a POSIX shell; does not need the agent or the network.
#
#   ATRIUM_ROOT      folder that stands for / (default: /)
#   ATRIUM_POWEROFF  what switches off (default: systemctl poweroff)
#   ATRIUM_NOW       seconds since 1970 (default: the machine's clock)
set -u

root=${ATRIUM_ROOT:-}
root=${root%/}
run=$root/run/atrium
now=${ATRIUM_NOW:-$(date +%s)}

LEASE=1800       # a lease whose content is damaged counts from its own time
BOOT=1800        # longest life without any lease
HARD=43200       # after the lease: off even under running work
BUSY=600         # the agent's mark of real work counts this long
LATE=300         # the agent's own turn comes first at the end of a session
LOOKS=2          # looks in a row that must agree: a machine that woke from hibernation gets time to ask the hub

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; *) return 0 ;; esac; }

# Time of a file, or nothing. GNU and BusyBox spell it -c; nothing else runs on these machines.
mtime() { stat -c %Y -- "$1" 2>/dev/null; }

booted_at() {
  if [ -n "$root" ] && [ -e "$run/booted" ]; then mtime "$run/booted"; return; fi
  read -r up _ </proc/uptime 2>/dev/null || return
  echo $((now - ${up%%.*}))
}

# True when the programs of the person's server took more than 3 % of a core since the last look.
computes() {
  slice=$root/sys/fs/cgroup/system.slice
  used=0
  for stat in "$slice"/*/atrium-server@*.service/cpu.stat "$slice"/atrium-server@*.service/cpu.stat; do
    [ -r "$stat" ] || continue
    while read -r key value; do
      if [ "$key" = usage_usec ] && is_number "$value"; then used=$((used + value)); fi
    done <"$stat"
  done
  before_used= before_at=
  [ -r "$run/cpu" ] && read -r before_used before_at <"$run/cpu"
  echo "$used $now" >"$run/cpu"
  is_number "$before_used" && is_number "$before_at" || return 1
  [ "$used" -gt "$before_used" ] && [ "$now" -gt "$before_at" ] || return 1
  [ $((used - before_used)) -gt $(((now - before_at) * 30000)) ]
}

works() {
  computes && return 0
  marked=$(mtime "$run/busy")
  is_number "$marked" && [ $((now - marked)) -lt $BUSY ]
}

# Prints why the machine should go off; nothing when it may go on.
verdict() {
  if [ ! -e "$run/lease" ]; then
    booted=$(booted_at)
    if is_number "$booted" && [ $((now - booted)) -ge $BOOT ]; then echo "no hub gave a lease since the boot"; fi
    return
  fi
  hard=$HARD session=
  [ -r "$run/limits" ] && read -r hard session <"$run/limits"
  is_number "$hard" || hard=$HARD
  if is_number "$session" && [ "$now" -ge $((session + LATE)) ]; then echo "the session is over"; return; fi

  written=$(mtime "$run/lease")
  until=
  read -r until <"$run/lease" || :
  if is_number "$until" && [ ${#until} -gt 3 ] && [ ${#until} -lt 16 ]; then until=${until%???}; else until=$((${written:-0} + LEASE)); fi
  [ "$now" -ge "$until" ] || return
  if [ "$now" -ge $((until + hard)) ]; then echo "the lease ran out long ago"; return; fi
  if works; then return; fi
  echo "the lease ran out and nothing works"
}

mkdir -p "$run" 2>/dev/null
why=$(verdict)
if [ -z "$why" ]; then
  rm -f "$run/looks"
  exit 0
fi
looks=0
[ -r "$run/looks" ] && read -r looks <"$run/looks"
is_number "$looks" || looks=0
looks=$((looks + 1))
echo "$looks" >"$run/looks"
echo "atrium-watchdog: $why ($looks of $LOOKS looks)"
[ "$looks" -ge $LOOKS ] || exit 0
rm -f "$run/looks"
sync
if [ -n "${ATRIUM_POWEROFF:-}" ]; then
  # Words of one command, as systemd itself splits them.
  # shellcheck disable=SC2086
  exec $ATRIUM_POWEROFF
fi
exec systemctl poweroff
