#!/bin/sh
# Reads what the agent handed over (variables, then `exec` of the server) and becomes the server.
set -eu
. "$CREDENTIALS_DIRECTORY/launch"
