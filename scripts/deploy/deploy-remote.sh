# Runs on the server, by agent-monitor deploy: takes relay.mjs, settings and defaults of $1/new into use. $2 is the
# host that the server was reached as. Lines "name:value" are results, see cli/deploy/report.ts; all others are for people.
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

# All is made ready in new/, so that a failure leaves what is there as it was. New settings replace old ones of the same name.
reached_as=${2:-}
is_new=no
[ -f .env ] || is_new=yes
names=$(sed 's/=.*//' new/settings | paste -sd '|' -)
{ cat .env 2> /dev/null || true; } | { if [ -n "$names" ]; then grep -Ev "^($names)=" || true; else cat; fi; } > new/.env
cat new/settings >> new/.env
has() { grep -q "^$1=" new/.env; }
has RELAY_STATE || echo "RELAY_STATE=\"$folder/relay-state.json\"" >> new/.env
has RELAY_AUDIT || echo "RELAY_AUDIT=\"$folder/audit.log\"" >> new/.env
# Token and password of a first deploy. Later a missing password is one that the relay itself made.
while IFS= read -r line; do
  key=${line%%=*}
  if has "$key" || { [ "$key" = RELAY_PASSWORD ] && [ "$is_new" = no ]; }; then continue; fi
  printf '%s\n' "$line" >> new/.env
  echo "default:$key"
done < new/defaults

settings=new/.env
value() { sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$settings" | tail -n 1; }
# Node reads this one when it starts, not from the .env.
NODE_EXTRA_CA_CERTS=$(value NODE_EXTRA_CA_CERTS)
[ -z "$NODE_EXTRA_CA_CERTS" ] || export NODE_EXTRA_CA_CERTS

can_listen() {
  "$node" -e 'const s = require("node:net").createServer(); s.on("error", () => process.exit(1)); s.listen(Number(process.argv[1]), () => process.exit(0))' "$1"
}
accepts() { env "$@" "$node" new/relay.mjs --check > /dev/null 2>&1; }
# Every address of a name is one for which an authority gives certificates: the relay itself says so.
is_public() {
  addresses=$("$node" -e 'require("node:dns").lookup(process.argv[1], { all: true }, (error, list) => { if (error) process.exit(1); console.log(list.map((a) => a.address).join("\n")) })' "$1") || return 1
  for address in $addresses; do accepts RELAY_TLS=auto RELAY_DOMAIN="$address" || return 1; done
}
# https by itself, on a server that is new: one that runs already may have machines that know its address.
choose_tls() {
  for key in RELAY_TLS RELAY_TLS_CERT TRUSTED_PROXIES RELAY_PORT; do has "$key" && return 0; done
  can_listen 443 || { echo 'note:There is no https: this user may not listen on port 443, or it is taken. Root may, or after: sysctl net.ipv4.ip_unprivileged_port_start=80'; return 0; }
  if ! has RELAY_DOMAIN && is_public "$reached_as"; then echo "RELAY_DOMAIN=\"$reached_as\"" >> new/.env; fi
  if accepts RELAY_TLS=auto; then echo 'RELAY_TLS="auto"' >> new/.env
  else echo 'note:There is no https: no public address or name is known for this server. Deploy again with RELAY_TLS=auto RELAY_DOMAIN=relay.example.org'; fi
}
if [ "$is_new" = yes ]; then choose_tls; fi
"$node" new/relay.mjs --check > /dev/null || fail 'Nothing was changed.'
mv new/.env .env
chmod 600 .env
mv new/relay.mjs relay.mjs
chmod 700 relay.mjs
rm -rf new
settings=.env

start_pm2() {
  if pm2 describe "$name" > /dev/null 2>&1; then
    pm2 restart "$name" --update-env > /dev/null
  else
    pm2 start "$folder/relay.mjs" --name "$name" --cwd "$folder" --interpreter "$node" --kill-timeout 12000 --time > /dev/null
  fi
  pm2 save > /dev/null
  echo "started by pm2: pm2 logs $name, pm2 restart $name"
}
start_systemd() {
  mkdir -p "$HOME/.config/systemd/user"
  # A setcap on node, by which it may listen on port 443, ends with NoNewPrivileges.
  hardening='NoNewPrivileges=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes'
  if [ "$(value RELAY_TLS)" = auto ] && [ "$(id -u)" != 0 ]; then hardening=; fi
  cat > "$HOME/.config/systemd/user/$name.service" << UNIT
[Unit]
Description=Agent Monitor relay
StartLimitIntervalSec=0
[Service]
WorkingDirectory=$folder
ExecStart=$node $folder/relay.mjs
Restart=always
RestartSec=2
TimeoutStopSec=15
LimitCORE=0
${NODE_EXTRA_CA_CERTS:+Environment="NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS"}
$hardening
[Install]
WantedBy=default.target
UNIT
  systemctl --user daemon-reload
  systemctl --user enable "$name" > /dev/null 2>&1
  systemctl --user restart "$name"
  [ -e "/var/lib/systemd/linger/$(id -un)" ] || loginctl enable-linger > /dev/null 2>&1 ||
    echo "note:The relay ends when you log out and does not start at boot until this is done there: sudo loginctl enable-linger $(id -un)"
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
scheme=http
if [ -n "$(value RELAY_TLS_CERT)" ]; then scheme=https; fi
if [ "$(value RELAY_TLS)" = auto ]; then scheme=https port=${port:-443}; fi
port=${port:-3457}
listens=$(value RELAY_HOST)
case $listens in '' | 0.0.0.0 | ::) listens=127.0.0.1 ;; *:*) listens="[$listens]" ;; esac
# 10 seconds until it answers, a minute until it has a certificate. Prints what it answers; 3: still without certificate.
answer=$(
  NODE_TLS_REJECT_UNAUTHORIZED=0 NODE_NO_WARNINGS=1 "$node" --input-type=module -e '
    const started = Date.now();
    let pending = "";
    while (Date.now() - started < (pending ? 60_000 : 10_000)) {
      const reply = await fetch(process.argv[1]).catch(() => null);
      const text = reply ? await reply.text() : "";
      // One that has been up for longer is another relay on this port.
      const isNew = reply?.ok && JSON.parse(text).uptime * 1000 < Date.now() - started + 5000;
      if (isNew) { console.log(text); process.exit(0); }
      if (text.includes("certificate_pending")) pending = JSON.parse(text).error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    console.log(pending);
    process.exit(pending ? 3 : 1);' "$scheme://$listens:$port/api/relay/status"
) && code=0 || code=$?
case $code in
  0) echo "answers: $answer" ;;
  3) echo "note:There is no certificate yet, and no login until there is: $answer" ;;
  *)
    tail -n 20 relay.log 2> /dev/null || true
    fail "The relay did not answer on port $port within 10 seconds; its log says why."
    ;;
esac

domain=$(value RELAY_DOMAIN | sed 's/,.*//')
host=${domain:-${reached_as:-$(hostname -f 2> /dev/null || hostname)}}
case $host in *:*) host="[${host#[}" host="${host%]}]" ;; esac
where=$host:$port
if [ -n "$(value TRUSTED_PROXIES)" ]; then scheme=https where=$host; fi
case $scheme:$port in https:443 | http:80) where=$host ;; esac
echo "dashboard:$scheme://$where"
echo "tunnel:$(echo "$scheme" | sed 's/http/ws/')://$where/tunnel"
