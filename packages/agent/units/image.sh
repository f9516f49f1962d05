#!/bin/sh
# Makes this machine's disk one of an image that carries Atrium: image.sh [pip requirement]…
# Lies beside the units in the unpacked program, of which nothing else is used and nothing is needed afterwards.
set -eu
from=$(cd "$(dirname "$0")" && pwd)
lib=/usr/lib/atrium
umask 022
mkdir -p "$lib" /etc/systemd/system
for unit in "$from"/*.service "$from"/*.path "$from"/*.timer; do
  install -m 644 "$unit" "/etc/systemd/system/$(basename "$unit")"
done
install -m 755 "$from/atrium-server.sh" "$from/watchdog.sh" "$from/setup.sh" "$from/../dist/atrium-agent.mjs" "$lib/"
sum=$(sha256sum "$lib/atrium-agent.mjs")
# The agent is here already: it is fetched from nowhere.
cat >"$lib/sources" <<END
AGENT_URL=''
AGENT_SHA256='${sum%% *}'
PIP_PACKAGES='$*'
PIP_OPTIONS='--no-cache-dir'
END
exec sh "$lib/setup.sh"
