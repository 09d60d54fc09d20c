#!/usr/bin/env bash
# Puts the relay on a server and starts it there:
#
#   DEPLOY_TARGET=you@server.example scripts/deploy/deploy.sh [<token> [<password>]]
#
# From a checkout: builds, then does what `agent-monitor deploy` does (--help says it all). Run it again to update. With one
# argument the token is changed, without any token and password stay; on a new server both are made and printed.
#
#   DEPLOY_SSH   the ssh command (ssh), e.g. DEPLOY_SSH="ssh -p 2222"
#   DEPLOY_DIR   folder on the server, below the home folder (agent-monitor-relay)
#   RELAY_PORT, RELAY_DOMAIN, RELAY_TLS, TRUSTED_PROXIES, … (agent-monitor deploy --help): written into the server's settings.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { echo "$*" >&2; exit 1; }
[ -n "${DEPLOY_TARGET:-}" ] || fail 'Set DEPLOY_TARGET to the server: DEPLOY_TARGET=you@server.example scripts/deploy/deploy.sh [<token> [<password>]]'
[ $# -le 2 ] || fail 'Give the token and the password, only the token, or neither to keep those on the server.'

echo 'Building …'
npm run --silent build
# In the environment, which other users cannot read, and not in the arguments, which they can.
[ $# -lt 1 ] || export DEPLOY_TOKEN=$1
[ $# -lt 2 ] || export DEPLOY_PASSWORD=$2
exec node --import tsx cli/main.ts deploy --no-save "$DEPLOY_TARGET"
