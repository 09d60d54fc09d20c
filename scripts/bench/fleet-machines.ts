/**
 * Many idle machines in one process, each with its own token and its own address:
 *
 *   tsx scripts/bench/fleet-machines.ts --relay ws://127.0.0.1:P/tunnel --tokens FILE --floor PORT
 *
 * FILE has a token a line. Each is the tunnel's real client, with its delays of reconnection. Prints `up` or `down`, the
 * machine's number and the time (ms since the Unix epoch) for each tunnel that is established or lost. For each there is a
 * plain connection to the floor, which sends as many bytes as a heartbeat, as often.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import process from 'node:process';
import { startTunnelClient } from '../../agent/tunnel/client.ts';
import { silentLog } from '../../core/log.ts';
import { HEARTBEAT_MS, MAX_RECORD, TUNNEL_KEY_FIELD, TUNNEL_PROTOCOL } from '../../core/tunnel/mod.ts';
import { dial } from '../../core/websocket/mod.ts';

/** Distance of the first connections, ms: a relay that is started again gets them spread, a new one does not. */
const START_EVERY_MS = 20;
/** Bytes of a PING in its record and WebSocket frame. */
const PING = Buffer.alloc(38);

const argument = (name: string) => process.argv[process.argv.indexOf(`--${name}`) + 1]!;

function startMachine(relay: URL, token: string, index: number): void {
  // The relay counts by address.
  const localAddress = `127.10.${index >> 8}.${index & 255}`;
  let isUp = false;
  startTunnelClient({
    url: relay.href,
    token,
    info: { name: `machine ${index}`, version: '0' },
    id: () => `bench${String(index).padStart(8, '0')}`,
    log: silentLog,
    handler: (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 });
      res.end('{}');
    },
    connect: (url, signal, { key }) =>
      dial(url, {
        protocols: [TUNNEL_PROTOCOL],
        headers: { [TUNNEL_KEY_FIELD]: key.id! },
        signal,
        limits: { message: MAX_RECORD, fragments: 1 },
        zeroCopy: true,
        stream: connect({ host: relay.hostname, port: Number(relay.port), localAddress, noDelay: true }),
      }),
    onState: ({ kind }) => {
      if ((kind === 'connected') === isUp) return;
      isUp = !isUp;
      process.stdout.write(`${isUp ? 'up' : 'down'} ${index} ${Date.now()}\n`);
    },
  });
}

function startFloor(port: number): void {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.resume();
  setInterval(() => socket.write(PING), HEARTBEAT_MS);
}

const tokens = readFileSync(argument('tokens'), 'utf8').trim().split('\n');
const relay = new URL(argument('relay'));
for (const [index, token] of tokens.entries()) {
  startMachine(relay, token, index);
  startFloor(Number(argument('floor')));
  await new Promise((resolve) => setTimeout(resolve, START_EVERY_MS));
}
