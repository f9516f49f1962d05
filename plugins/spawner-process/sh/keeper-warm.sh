#!/bin/sh
# keeper-warm.sh, with the launch folder as working directory; standard input is a pipe from the server's first process.
# What keeper.sh is to a cold start: outside of every namespace and limit, outlives the hub and writes down how the server
# ended. The template has linked the claim of this very process. "go" says that the server runs; without it there is none,
# and the claim is taken back, so that the start can be made in another way.
set -u
umask 022
# Ignored, so that no signal to the group can cut a reading short; nothing but `mv` and `rm` is started.
trap '' TERM INT HUP
word=
read -r word
if [ "$word" != go ]; then
  read -r _ claimed _ <keeper 2>/dev/null && [ "$claimed" = "$$" ] && rm -f keeper
  exit 0
fi
# Nothing comes when the first process was killed itself.
code=
read -r code
case $code in '' | *[!0-9]*) code=137 ;; esac
echo "$code" >exit.new && mv exit.new exit
