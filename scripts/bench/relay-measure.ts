/** One measurement each: requests by wrk, bytes by a plain socket, events, WebSocket echo, and what /proc says of processes. */
import { Buffer } from 'node:buffer';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { promisify } from 'node:util';
import { dial } from '../../core/websocket/mod.ts';

const run = promisify(execFile);
/** Linux's clock tick, which /proc counts CPU time in. */
const TICK_US = 10_000;

/** CPU time of these processes so far, µs. */
export const cpuMicros = (pids: number[]): number =>
  pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }, 0);
/** Resident memory of these processes, MiB. */
export const residentMiB = (pids: number[]): number =>
  pids.reduce((sum, pid) => {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return sum + Number(kb) / 1024;
  }, 0);

export interface Requests {
  count: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuUs: number;
}

/** GET requests by wrk. */
export async function requests(
  port: number,
  connections: number,
  seconds: number,
  pids: number[],
  path = '/api/small',
): Promise<Requests> {
  const before = cpuMicros(pids);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `http://127.0.0.1:${port}${path}`];
  const { stdout } = await run('wrk', args);
  const cpu = cpuMicros(pids) - before;
  const count = Number(/(\d+) requests in/.exec(stdout)![1]);
  const bad = /Non-2xx|Socket errors: (?!connect 0, read 0, write 0, timeout 0)/.exec(stdout);
  if (bad) throw new Error(`port ${port}: ${stdout}`);
  const ms = (percent: string) => {
    const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout)!;
    return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'];
  };
  return {
    count,
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]),
    p50Ms: ms('50'),
    p99Ms: ms('99'),
    cpuUs: cpu / count,
  };
}

function raw(port: number, head: string): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(`${head}\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n`);
  return socket;
}

/** GET /api/big into a reader that drops everything: MB/s. */
export function download(port: number, mb: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const socket = raw(port, `GET /api/big?mb=${mb} HTTP/1.1`);
    socket.write('\r\n');
    let size = 0;
    socket.on('data', (chunk) => size += chunk.length);
    socket.on('error', reject);
    socket.on('close', () => {
      if (size < mb * 1024 * 1024) return reject(new Error(`${size} of ${mb} MiB`));
      resolve((mb * 1.048576 * 1000) / (performance.now() - started));
    });
  });
}

/** POST /api/echo of so many MiB: MB/s. */
export function upload(port: number, mb: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const size = mb * 1024 * 1024;
    const socket = raw(port, 'POST /api/echo HTTP/1.1');
    socket.write(`Content-Type: application/octet-stream\r\nContent-Length: ${size}\r\n\r\n`);
    const chunk = Buffer.alloc(256 * 1024, 'x');
    let left = size;
    const pump = () => {
      while (left > 0) {
        left -= chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', pump);
      }
    };
    pump();
    let reply = '';
    socket.on('data', (part) => reply += part);
    socket.on('error', reject);
    socket.on('close', () => {
      if (!reply.includes(String(size))) return reject(new Error(`upload: ${reply.slice(0, 200)}`));
      resolve((mb * 1.048576 * 1000) / (performance.now() - started));
    });
  });
}

/** Several uploads, one after the other: a single one takes 30 ms, which says little. MB/s. */
export async function uploads(port: number, mb: number, count: number): Promise<number> {
  let seconds = 0;
  for (let i = 0; i < count; i++) seconds += 1 / await upload(port, mb);
  return count / seconds;
}

/** Round trips of 100-byte WebSocket messages, one after the other, per second. */
export async function echoes(port: number, seconds: number): Promise<number> {
  const socket = await dial(`ws://127.0.0.1:${port}/api/ws`, { headers: { Origin: `http://127.0.0.1:${port}` } });
  const message = Buffer.alloc(100, 'k');
  const end = performance.now() + seconds * 1000;
  let count = 0;
  await new Promise<void>((resolve) => {
    socket.onmessage = () => {
      count++;
      if (performance.now() > end) resolve();
      else socket.send(message);
    };
    socket.send(message);
  });
  socket.terminate();
  return count / seconds;
}

export interface Events {
  /** Streams of `wanted` that brought at least one event. */
  open: number;
  /** Events per second over all. */
  perSecond: number;
  /** Streams that the origin still serves a second after the readers left. */
  leaked: number;
}

export async function events(port: number, originPort: number, wanted: number, seconds: number): Promise<Events> {
  let count = 0;
  const alive = new Set<Socket>();
  const sockets = Array.from({ length: wanted }, () => {
    const socket = raw(port, 'GET /api/sse HTTP/1.1');
    socket.write('\r\n');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      const news = text.split('data: ').length - 1;
      if (news) alive.add(socket);
      count += news;
    });
    return socket;
  });
  await pause(1500);
  const before = count;
  await pause(seconds * 1000);
  const perSecond = (count - before) / seconds;
  for (const socket of sockets) socket.destroy();
  await pause(1000);
  const leaked = Number(await (await fetch(`http://127.0.0.1:${originPort}/api/open`)).text());
  return { open: alive.size, perSecond, leaked };
}

/** A reader at 1 MiB/s on a large download; what the processes grow by and what a GET beside it takes, ms. */
export async function slowReader(
  port: number,
  pids: number[],
  seconds: number,
): Promise<{ growth: number[]; p50Ms: number; p95Ms: number; maxMs: number }> {
  const before = pids.map((pid) => residentMiB([pid]));
  const socket = raw(port, 'GET /api/big?mb=256 HTTP/1.1');
  socket.write('\r\n');
  let got = 0;
  socket.on('data', (chunk) => {
    got += chunk.length;
    socket.pause();
    setTimeout(() => socket.resume(), chunk.length / 1048.576);
  });
  const times: number[] = [];
  const peak = before.slice();
  const agent = new Agent({ keepAlive: true });
  for (let i = 0; i < seconds * 20; i++) {
    await pause(50);
    const started = performance.now();
    await small(port, agent);
    times.push(performance.now() - started);
    pids.forEach((pid, at) => peak[at] = Math.max(peak[at]!, residentMiB([pid])));
  }
  agent.destroy();
  socket.destroy();
  times.sort((a, b) => a - b);
  return {
    growth: peak.map((value, at) => value - before[at]!),
    p50Ms: times[times.length >> 1]!,
    p95Ms: times[Math.floor(times.length * 0.95)]!,
    maxMs: times.at(-1)!,
  };
}

/** Reads as fast as it can, in a process of its own: in ours it would hold up the request that is measured. */
const READER = `require('http').get({ port: process.argv[1], path: '/api/big?mb=4096' }, (res) => res.resume())`;

/** A small GET beside a download at full speed: p50, ms. */
export async function besideBulk(port: number, count: number): Promise<number> {
  const reader = spawn(process.execPath, ['-e', READER, String(port)], { stdio: 'ignore' });
  const agent = new Agent({ keepAlive: true });
  await pause(500);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await small(port, agent);
    times.push(performance.now() - started);
    await pause(5);
  }
  agent.destroy();
  reader.kill();
  return times.sort((a, b) => a - b)[count >> 1]!;
}

const small = (port: number, agent: Agent) =>
  new Promise<void>((resolve, reject) => {
    const req = request({ port, host: '127.0.0.1', path: '/api/small', agent }, (res) => {
      res.resume();
      res.on('end', resolve);
    });
    req.on('error', reject);
    req.end();
  });

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
