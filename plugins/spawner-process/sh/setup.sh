#!/bin/sh
# setup.sh <argv…>: in the new namespaces, still with the right to mount, and with the launch folder as working directory.
# Puts the server's view of the machine in place, then becomes <argv…>, which drops every privilege and runs the script
# that it finds on its standard input.
set -u
umask 022
dir=${0%/*}
. "$dir/claim.sh"
claim init || exit 0
# stop() leaves this mark before it looks for `init`: one of the two sees the other.
[ -e stop ] && exit 143
exec 9<"$dir/init.sh"
. "$dir/view.sh"

[ ! -e plan ] || carry_out plan

[ -e stop ] && exit 143
exec "$@" <&9 9<&-
