# Sourced with the launch folder as working directory. Records this very process in the file "$1" as
# "<boot id> <pid> <start time>", all at once and only if nobody has: a hard link is the arbiter.
claim() {
  if [ -r /proc/self/stat ]; then
    read -r boot </proc/sys/kernel/random/boot_id
    # The shell itself reads, so `self` is this process; in a new pid namespace the old /proc still gives its outer pid.
    read -r stat </proc/self/stat
    pid=${stat%% *}
    start=$(field20 ${stat##*) })
  else
    boot=$(sysctl -n kern.boottime | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    pid=$$
    start=$(ps -o lstart= -p "$pid" | tr -s ' ' '_')
  fi
  printf '%s %s %s\n' "$boot" "$pid" "$start" >"$1.$pid" || return 1
  if ln "$1.$pid" "$1" 2>/dev/null; then taken=0; else taken=1; fi
  rm -f "$1.$pid"
  return "$taken"
}

field20() {
  shift 19
  printf '%s' "$1"
}
