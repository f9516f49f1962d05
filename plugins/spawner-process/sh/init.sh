# Read from standard input by the server's first process, as the server's own account: `sh -s -- <command…>`.
# In a pid namespace it is process 1: it reaps what is orphaned, passes a polite stop on, and ends everything by ending.
child=
stop=
# The negative number is the child's process group; before `setsid` has run there is none yet.
pass() {
  stop=1
  [ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null
}
trap pass TERM INT HUP

# The environment came under neutral names, so that no variable could act on what ran with privileges before this.
count=$ATRIUM_ENV
i=0
while [ "$i" -lt "$count" ]; do
  eval "export \"\$ATRIUM_ENV_$i\""
  unset "ATRIUM_ENV_$i"
  i=$((i + 1))
done
umask "$ATRIUM_UMASK"
unset ATRIUM_ENV ATRIUM_UMASK i count

cd "$ATRIUM_DIR" || { echo "atrium: cannot enter the folder $ATRIUM_DIR" >&2; exit 126; }
unset ATRIUM_DIR OLDPWD
# Sockets of kernels live here and their paths must be short.
made=
if [ -n "${JUPYTER_RUNTIME_DIR-}" ]; then
  mkdir -p -m 700 "$JUPYTER_RUNTIME_DIR"
else
  made=$(mktemp -d /tmp/jupyter-XXXXXX) && export JUPYTER_RUNTIME_DIR="$made"
fi

if command -v setsid >/dev/null; then
  setsid "$@" </dev/null &
else
  "$@" </dev/null &
fi
child=$!
[ -z "$stop" ] || pass
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
[ -z "$made" ] || rm -rf "$made"
exit "$code"
