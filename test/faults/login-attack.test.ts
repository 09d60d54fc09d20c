/** The door under attack, measured: checks A01, A02 and A04. Alone on the machine, because it is about time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { rawHttp, request } from '../support/network/raw-http.ts';
import { originAt } from '../support/network/transport.ts';
import { PASSWORD, startRelay, type TestRelay } from '../support/harness/relay.ts';

const PROXY = { trustedProxies: ['127.0.0.1'] };
const login = (password: unknown, headers: Record<string, string | string[]> = {}) =>
  request('POST', '/api/auth/login', { 'content-type': 'application/json', ...headers }, JSON.stringify({ password }));
/** What a machine that others use at the same time is allowed more. */
const slack = () => loadavg()[0]! > availableParallelism() ? 5 : 1;

/** 1,000 requests from one address, 50 at a time, by a process of its own. @returns how often each status came */
const flood =
  (port: number, method: string, path: string, body?: string) => async (): Promise<Record<string, number>> => {
    const script = `
    const counts = {};
    let left = 1000;
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '198.51.100.1' };
    const init = { method: '${method}', headers, body: ${body ? JSON.stringify(body) : 'undefined'} };
    await Promise.all(Array.from({ length: 50 }, async () => {
      while (left-- > 0) {
        const response = await fetch('${originAt(port)}${path}', init);
        const early = response.status === 429 && !(response.headers.get('retry-after') > 0);
        const key = early ? '429 without retry-after' : response.status;
        counts[key] = (counts[key] ?? 0) + 1;
        await response.body.cancel();
      }
    }));
    console.log(JSON.stringify(counts));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => output += chunk);
    await once(child, 'close');
    return JSON.parse(output);
  };

/** Asks as somebody who is logged in, again and again, until `work` is done. Milliseconds. */
async function whileRunning(relay: TestRelay, cookie: string, work: () => Promise<unknown>) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let running = true;
  const done = work().finally(() => running = false);
  const times: number[] = [];
  while (running) {
    const started = performance.now();
    const response = await relay.fetch('/api/agents', { cookie });
    assert.is(response.status, 200);
    await response.body?.cancel();
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await done;
  delay.disable();
  const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
  const stall = delay.max / 1e6;
  return { p99, stall, text: `p99 ${p99.toFixed(0)} ms of ${times.length}, longest stall ${stall.toFixed(0)} ms` };
}

/** Starts a relay for one test. */
function withRelay(name: string, options: Parameters<typeof startRelay>[0], run: (relay: TestRelay) => Promise<void>) {
  test(name, async () => {
    const relay = await startRelay(options);
    try {
      await run(relay);
    } finally {
      await relay.close();
    }
  });
}

withRelay(
  '1,000 wrong passwords, 50 at a time: ten are evaluated, nobody else notices',
  { ...PROXY, machine: true },
  async (relay) => {
    const cookie = await relay.login();
    const attack = flood(relay.port, 'POST', '/api/auth/login', '{"password":"wrong"}');
    // The same number of harmless requests shows what this machine can do at the moment.
    const calm = await whileRunning(relay, cookie, flood(relay.port, 'GET', '/api/relay/status'));
    const memory = process.memoryUsage().rss;
    const running = attack();
    const elsewhere = rawHttp(relay.port, login(PASSWORD, { 'x-forwarded-for': '203.0.113.5' }), 10_000);
    const attacked = await whileRunning(relay, cookie, () => running);
    assert.is((await elsewhere).status, 200, 'the right password from another address');
    assert.equal(await running, { 401: 10, 429: 990 });
    console.log(`attacked: ${attacked.text}; calm: ${calm.text}`);
    assert.ok(attacked.p99 < slack() * Math.max(100, 2 * calm.p99));
    assert.ok(attacked.stall < slack() * Math.max(100, 2 * calm.stall));
    assert.ok(process.memoryUsage().rss - memory < 100 * 1024 * 1024);
  },
);

/** The megabyte among the cases below, and what it may take longer on the line, ms. */
const HUGE = 3;
const HUGE_MS = 15;
withRelay(
  'right, wrong, empty, huge and mistyped passwords: 200, 401 or 400, and equally slow',
  PROXY,
  async (relay) => {
    const cases: [unknown, number][] = [
      [PASSWORD, 200],
      ['wrong', 401],
      ['', 401],
      ['x'.repeat(2 ** 20), 401],
      [['a'], 400],
      [{}, 400],
      [1, 400],
      [null, 400],
    ];
    const fastest = cases.map(() => Infinity);
    // In turns, and the fastest of each: what else runs on the machine meanwhile then counts for nobody.
    for (let round = 0; round < 7; round++) {
      for (const [n, [password, status]] of cases.entries()) {
        const bytes = login(password, { 'x-forwarded-for': `203.0.113.${n}` });
        const started = performance.now();
        assert.is((await rawHttp(relay.port, bytes, 10_000)).status, status);
        fastest[n] = Math.min(fastest[n]!, performance.now() - started);
      }
    }
    // A megabyte takes its time to come and to be read, whatever is in it.
    const even = fastest.map((ms, n) => n === HUGE ? ms - HUGE_MS : ms);
    const [min, max] = [Math.min(...even.filter((_, n) => n !== HUGE)), Math.max(...even)];
    console.log(`fastest ${min.toFixed(1)} ms, slowest ${max.toFixed(1)} ms`);
    assert.ok(max < min * (slack() > 1 ? 2 : 1.1), fastest.map((ms) => ms.toFixed(1)).join(' '));
  },
);

test.run();
