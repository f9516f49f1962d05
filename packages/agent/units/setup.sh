#!/bin/sh
# Makes a worker of a plain Debian, Ubuntu or Amazon Linux: the agent first, so that the person sees how far it is, then
# the notebook server. Run by cloud-init where the image does not carry Atrium, and once when an image is made. May be
# run again. Reads /usr/lib/atrium/sources: NAME='value' lines.
set -eu
lib=/usr/lib/atrium
state=/var/lib/atrium/setup.state
venv=/opt/atrium/venv
umask 022
mkdir -p "$lib" /var/lib/atrium /opt/atrium
. "$lib/sources"

# What the agent tells the person; the file changes as a whole.
say() { printf '%s\n' "$1" >"$state.new"; mv "$state.new" "$state"; echo "atrium-setup: $1"; }
step='preparing the machine'
trap 'code=$?; if [ $code -ne 0 ]; then say "failed $step"; fi' EXIT
at() { step=$2; say "$1 $2"; }

fetch() { # url sha256 file
  [ -f "$3" ] && echo "$2  $3" | sha256sum -c --status 2>/dev/null && return
  curl --fail --silent --show-error --location --retry 5 --retry-connrefused --max-time 600 --output "$3.part" "$1"
  echo "$2  $3.part" | sha256sum -c --status || { echo "atrium-setup: $1 does not have the expected SHA-256"; return 1; }
  mv "$3.part" "$3"
}
install_packages() { # Debian's names
  if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 -q update
    apt-get -o DPkg::Lock::Timeout=300 -q -y --no-install-recommends install "$@"
  elif command -v dnf >/dev/null; then
    # shellcheck disable=SC2046
    dnf -q -y install $(for name in "$@"; do case $name in python3-venv) echo python3-pip ;; xz-utils) echo xz ;; nodejs) echo nodejs ;; *) echo "$name" ;; esac; done)
  else
    echo 'atrium-setup: neither apt-get nor dnf is here'
    return 1
  fi
}

at 10 'Installing the agent'
command -v curl >/dev/null || install_packages curl ca-certificates
case $(uname -m) in
  x86_64) node_url=${NODE_X64_URL:-} node_sha=${NODE_X64_SHA256:-} ;;
  aarch64) node_url=${NODE_ARM64_URL:-} node_sha=${NODE_ARM64_SHA256:-} ;;
  *) node_url= node_sha= ;;
esac
if [ -n "$node_url" ]; then
  fetch "$node_url" "$node_sha" /opt/atrium/node.tar
  command -v xz >/dev/null || case $node_url in *.xz) install_packages xz-utils ;; esac
  mkdir -p /opt/atrium/node
  tar -xf /opt/atrium/node.tar -C /opt/atrium/node --strip-components=1
  rm -f /opt/atrium/node.tar
  ln -sfn /opt/atrium/node/bin/node "$lib/node"
else
  command -v node >/dev/null || install_packages nodejs
  ln -sfn "$(command -v node)" "$lib/node"
fi
fetch "$AGENT_URL" "$AGENT_SHA256" "$lib/atrium-agent.mjs"
"$lib/node" "$lib/atrium-agent.mjs" --version
systemctl daemon-reload
systemctl enable --quiet atrium-watchdog.timer atrium-agent.path
# Not while an image is made: there is no configuration then.
if [ -e /etc/atrium/agent.json ]; then systemctl start --no-block atrium-watchdog.timer atrium-agent.path; fi

at 25 'Installing Python'
install_packages python3 python3-venv e2fsprogs
at 40 'Installing the notebook server; this takes a few minutes'
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# shellcheck disable=SC2086
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-input ${PIP_OPTIONS:-} $PIP_PACKAGES
"$venv/bin/jupyterhub-singleuser" --version >/dev/null
say done
