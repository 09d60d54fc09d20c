#!/usr/bin/env bash
# Puts the relay on a server and starts it there:
#
#   DEPLOY_TARGET=you@server.example scripts/deploy.sh <token> <password>
#
# Builds dist/relay.mjs, copies that one file over ssh, starts it with pm2 if the server has it, else as a systemd user service,
# else in the background; waits until it answers. Run it again to update; without arguments token and password stay as they are.
#
#   DEPLOY_SSH   the ssh command (ssh), e.g. DEPLOY_SSH="ssh -p 2222"
#   DEPLOY_DIR   folder on the server, below the home folder (agent-monitor-relay)
#   RELAY_PORT, RELAY_HOST, RELAY_DOMAIN, RELAY_TLS_CERT, RELAY_TLS_KEY, TRUSTED_PROXIES, RELAY_METRICS_TOKEN: written into the
#   server's settings when set here.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "$*" >&2; exit 1; }
[ -n "${DEPLOY_TARGET:-}" ] || fail 'Set DEPLOY_TARGET to the server: DEPLOY_TARGET=you@server.example scripts/deploy.sh <token> <password>'
[ $# -eq 2 ] || [ $# -eq 0 ] || fail 'Give the token and the password, or neither to keep those on the server.'
read -ra ssh <<<"${DEPLOY_SSH:-ssh}"
folder=${DEPLOY_DIR:-agent-monitor-relay}
[[ $folder =~ ^[A-Za-z0-9._/-]+$ ]] || fail 'DEPLOY_DIR may have letters, digits, dots, dashes and slashes.'
on_server() { "${ssh[@]}" "$DEPLOY_TARGET" "$@"; }

# One NAME="value" line of a .env file.
setting() {
  case $2 in *$'\n'*) fail "$1 may not have a line break." ;; esac
  printf '%s="%s"\n' "$1" "$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')"
}
settings() {
  if [ $# -eq 2 ]; then
    setting RELAY_TOKEN "$1"
    setting RELAY_PASSWORD "$2"
  fi
  local name
  for name in RELAY_PORT RELAY_HOST RELAY_DOMAIN RELAY_TLS_CERT RELAY_TLS_KEY TRUSTED_PROXIES RELAY_METRICS_TOKEN; do
    if [ -n "${!name:-}" ]; then setting "$name" "${!name}"; fi
  done
}

echo 'Building …'
npm run --silent build

echo "Copying to $DEPLOY_TARGET:$folder …"
on_server "umask 077 && mkdir -p \"\$HOME/$folder\" && cat > \"\$HOME/$folder/relay.mjs.new\"" < dist/relay.mjs
# Secrets travel on standard input and rest in a file that only its owner reads; no command line ever has them.
settings "$@" | on_server "umask 077 && cat > \"\$HOME/$folder/settings.new\""

echo 'Starting …'
on_server "sh -s -- $folder" < scripts/deploy-remote.sh | while IFS= read -r line; do
  case $line in
    result:*) echo "${line#result:}" ;;
    *) echo "  $line" ;;
  esac
done
if [ $# -eq 2 ]; then echo "RELAY_TOKEN=$1"; else echo 'RELAY_TOKEN stays what it was.'; fi
