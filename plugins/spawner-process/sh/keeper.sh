#!/bin/sh
# keeper.sh <cgroup.procs files, space-separated> <argv…>
# One per start, outside of every namespace and limit: outlives the hub and writes down how the server ended.
set -u
umask 022
. "${0%/*}/claim.sh"
claim keeper || exit 0

groups=$1
shift
(
  for procs in $groups; do
    echo 0 >"$procs" || exit 125
  done
  exec "$@"
) &
child=$!
# A handler, not SIG_IGN: ignored signals would be inherited by what the shell starts.
trap : TERM INT HUP

while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
echo "$code" >exit.new && mv exit.new exit
