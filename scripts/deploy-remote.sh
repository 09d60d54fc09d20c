# Runs on the server, by scripts/deploy.sh: takes relay.mjs.new and settings.new of the folder $1 into use.
set -eu
umask 077
name=agent-monitor-relay
cd "$HOME/$1"
folder=$PWD
# A shell that is no login shell may lack what the profile adds to the path.
for extra in "$HOME"/.nvm/versions/node/*/bin "$HOME/.volta/bin" "$HOME/.local/bin" /usr/local/bin; do
  if [ -d "$extra" ]; then PATH="$extra:$PATH"; fi
done
export PATH
fail() { echo "$*" >&2; exit 1; }

node=$(command -v node) || fail 'This server has no node. Install Node.js 20 or later there, or copy the binary of npm run build:binary.'
major=$("$node" -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "This server has Node.js $major; the relay needs 20 or later."

# New settings replace old ones of the same name, the others stay.
touch .env
names=$(sed 's/=.*//' settings.new | paste -sd '|' -)
if [ -n "$names" ]; then grep -Ev "^($names)=" .env > settings.kept || true; else cp .env settings.kept; fi
cat settings.kept settings.new > .env.new
grep -q '^RELAY_STATE=' .env.new || echo "RELAY_STATE=\"$folder/relay-state.json\"" >> .env.new
grep -q '^RELAY_AUDIT=' .env.new || echo "RELAY_AUDIT=\"$folder/audit.log\"" >> .env.new
grep -q '^RELAY_TOKEN=' .env.new || fail 'There is no token on this server yet: give a token and a password.'
mv .env.new .env
rm -f settings.new settings.kept
chmod 600 .env
mv relay.mjs.new relay.mjs
chmod 700 relay.mjs

# The relay's own reading of a setting, so that there is one.
value() { sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" .env | tail -n 1; }

start_pm2() {
  if pm2 describe "$name" > /dev/null 2>&1; then
    pm2 restart "$name" > /dev/null
  else
    pm2 start "$folder/relay.mjs" --name "$name" --cwd "$folder" --interpreter "$node" --kill-timeout 12000 --time > /dev/null
  fi
  pm2 save > /dev/null
  echo "started by pm2: pm2 logs $name, pm2 restart $name"
}
start_systemd() {
  mkdir -p "$HOME/.config/systemd/user"
  cat > "$HOME/.config/systemd/user/$name.service" << UNIT
[Unit]
Description=Agent Monitor relay
[Service]
WorkingDirectory=$folder
ExecStart=$node $folder/relay.mjs
Restart=always
RestartSec=2
TimeoutStopSec=15
[Install]
WantedBy=default.target
UNIT
  systemctl --user daemon-reload
  systemctl --user enable "$name" > /dev/null 2>&1
  systemctl --user restart "$name"
  loginctl enable-linger > /dev/null 2>&1 || echo 'note: loginctl enable-linger failed, the relay ends when you log out'
  echo "started by systemd: journalctl --user -u $name, systemctl --user restart $name"
}
# Only a process that runs this very file is ever ended.
is_ours() { [ -n "$1" ] && tr '\0' '\n' < "/proc/$1/cmdline" 2> /dev/null | grep -qx "$folder/relay.mjs"; }
stop_background() {
  pid=$(cat relay.pid 2> /dev/null || true)
  is_ours "$pid" || return 0
  kill "$pid"
  for _ in $(seq 120); do
    is_ours "$pid" || return 0
    sleep 0.1
  done
  kill -9 "$pid"
}
start_background() {
  if [ -f relay.log ] && [ "$(wc -c < relay.log)" -gt 10000000 ]; then mv relay.log relay.log.old; fi
  setsid nohup "$node" "$folder/relay.mjs" >> relay.log 2>&1 < /dev/null &
  echo $! > relay.pid
  echo "started in the background (no pm2, no systemd): $folder/relay.log; it does not come back after a reboot"
}

stop_background
if command -v pm2 > /dev/null; then
  start_pm2
elif systemctl --user show-environment > /dev/null 2>&1; then
  start_systemd
else
  start_background
fi

port=$(value RELAY_PORT)
port=${port:-3457}
scheme=http
if [ -n "$(value RELAY_TLS_CERT)" ]; then scheme=https; fi
status=$(
  PORT=$port SCHEME=$scheme NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1 "$node" --input-type=module -e '
    const url = `${process.env.SCHEME}://127.0.0.1:${process.env.PORT}/api/relay/status`;
    for (let i = 0; i < 100; i++) {
      const reply = await fetch(url).then((r) => r.ok ? r.text() : null).catch(() => null);
      if (reply) { console.log(reply); process.exit(0); }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    process.exit(1);'
) || {
  tail -n 20 relay.log 2> /dev/null || true
  fail "The relay did not answer on port $port within 10 seconds; its log says why."
}
echo "answers: $status"

domain=$(value RELAY_DOMAIN | sed 's/,.*//')
host=${domain:-$(hostname -f 2> /dev/null || hostname)}
where=$host:$port
if [ -n "$(value TRUSTED_PROXIES)" ]; then scheme=https where=$host; fi
echo "result:"
echo "result:Dashboard: $scheme://$where"
echo "result:"
echo "result:On the agent machine:"
echo "result:RELAY_URL=$(echo "$scheme" | sed 's/http/ws/')://$where/tunnel"
