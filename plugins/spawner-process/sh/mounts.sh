#!/bin/sh
# In a warm start's new namespaces, with the right to mount and the launch folder as working directory: the part of
# setup.sh that puts the server's view of the machine in place. Its parent has claimed `init`, and goes on by itself.
set -u
umask 022
. "${0%/*}/view.sh"
[ ! -e plan ] || carry_out plan
