/** Another user of this machine who tries to have requests carried out by the local server, and the owner meanwhile. */
import { spawn } from 'node:child_process';
import { test } from 'uvu';
import { type Agent, get } from 'node:http';
import process from 'node:process';

/**
 * What the attacker does behind a whole request that would leave a template. `hold`: connections come one after the other
 * and stay open, so that one takes the last file descriptor; then their requests become whole.
 */
export const WAYS = ['reset', 'close', 'half-close', 'freeze', 'hold', 'pipeline', 'keep-alive', 'upgrade'] as const;
export type Way = typeof WAYS[number];

const ATTACKER = 1600;
/** Only root can be two users. */
export const canAttack = process.platform === 'linux' && process.getuid?.() === 0;
/** A test that needs another user: counted as skipped where nobody can be two users. */
export const attackTest: typeof test | typeof test.skip = canAttack ? test : test.skip;

/** Runs in a process of its own: prints the status of every answer, then `done`. */
const SCRIPT = String.raw`
const net = require('net');
const [port, host, way, count, atOnce, ownHost, waitMs] = process.argv.slice(1);
const body = (n) => JSON.stringify({ name: 'stolen-' + way + '-' + n, content: 'x' });
const post = (n) => 'POST /api/templates HTTP/1.1\r\nHost: ' + ownHost + '\r\nContent-Type: application/json\r\n' +
  'Content-Length: ' + body(n).length + '\r\n\r\n' + body(n);
const peek = 'GET /api/health HTTP/1.1\r\nHost: ' + ownHost + '\r\n\r\n';
const live = 'GET /api/live HTTP/1.1\r\nHost: ' + ownHost + '\r\nOrigin: http://' + ownHost + '\r\nConnection: upgrade\r\n' +
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const waits = way !== 'reset' && way !== 'close';
const one = (n) => new Promise((resolve) => {
  const socket = net.connect({ port, host, allowHalfOpen: true });
  let answered = false;
  socket.on('error', () => {});
  socket.on('close', resolve);
  socket.on('end', () => socket.end());
  socket.on('data', (data) => {
    for (const [, status] of String(data).matchAll(/HTTP\/1\.1 (\d+)/g)) console.log(status);
    if (way === 'keep-alive' && !answered) socket.write(post(n));
    answered = true;
  });
  if (waits) socket.setTimeout(Number(waitMs), () => socket.destroy());
  if (way === 'reset') socket.write(post(n), () => socket.resetAndDestroy());
  else if (way === 'close') socket.write(post(n), () => socket.destroy());
  else if (way === 'half-close') socket.end(post(n));
  else if (way === 'pipeline') socket.write(peek + post(n) + post(n) + peek);
  else if (way === 'keep-alive') socket.write(peek);
  else if (way === 'upgrade') socket.write(live);
  else if (way === 'hold') {
    socket.write(post(n).slice(0, 20));
    setTimeout(() => socket.write(post(n).slice(20)), 2500);
  } else socket.write(post(n));
  if (way === 'freeze') socket.once('connect', () => { if (++connected === Number(count)) setTimeout(freeze, 1); });
});
let connected = 0;
const freeze = () => { console.log('frozen'); process.kill(process.pid, 'SIGSTOP'); };
(async () => {
  for (let n = 0; n < count;) {
    const batch = [];
    while (batch.length < atOnce && n < count) {
      batch.push(one(n++));
      if (way === 'hold') await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(batch);
  }
  console.log('done');
})();
`;

export interface AttackOptions {
  port: number;
  way: Way;
  count: number;
  host?: string;
  /** Connections open at the same time. */
  atOnce?: number;
  /** How long a connection without traffic is kept, ms. */
  waitMs?: number;
  /** The user who connects. */
  uid?: number;
}

/** @returns the statuses that were answered; after it every connection is closed */
export async function attack({ port, way, count, host = '127.0.0.1', ...more }: AttackOptions): Promise<string[]> {
  const { atOnce = way === 'freeze' || way === 'hold' ? count : 20, uid = ATTACKER, waitMs = 5000 } = more;
  const name = host.includes(':') ? `[${host}]` : host;
  const args = [port, host, way, count, atOnce, `${name}:${port}`, waitMs].map(String);
  const child = spawn(process.execPath, ['-e', SCRIPT, ...args], {
    uid,
    gid: uid,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    // Long enough for every look-up and retry of the server to end.
    if (String(chunk).includes('frozen')) setTimeout(() => child.kill('SIGKILL'), 1500);
  });
  await new Promise((resolve) => child.once('close', resolve));
  const lines = output.trim().split('\n');
  if (!lines.includes('done') && !lines.includes('frozen')) throw new Error(`the attacker failed: ${output}`);
  return lines.filter((line) => /^\d+$/.test(line));
}

/** One request of this process's user on a connection of its own. @returns its status */
export function ask(
  port: number,
  path: string,
  host = '127.0.0.1',
  agent: Agent | false = false,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = get({ host, port, path, agent }, (res) => {
      let body = '';
      res.on('data', (chunk) => body += chunk);
      res.on('end', () => resolve({ status: res.statusCode!, body }));
    });
    req.on('error', reject);
  });
}

/** The owner asks one thing after the other, each on a new connection, until `during` ends. @returns all statuses */
export async function ownerAsks(port: number, during: Promise<unknown>): Promise<Set<number>> {
  const statuses = new Set<number>();
  let isOver = false;
  const over = during.then(() => {}, () => {}).then(() => isOver = true);
  do statuses.add((await ask(port, '/api/health')).status); while (!isOver);
  await over;
  return statuses;
}

/** The names of what attacks have left. */
export async function stolen(port: number): Promise<string[]> {
  const { body } = await ask(port, '/api/templates');
  return (JSON.parse(body) as { name: string }[]).map(({ name }) => name);
}
