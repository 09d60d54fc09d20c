/** What the relay tells: status, events as they happen, metrics. */
import { EventEmitter } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTunnelClient } from '../../agent/tunnel/client.ts';
import { silentLog } from '../../core/log.ts';
import { Status } from '../../relay/status.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';
import { startMachine } from '../support/harness/relay-harness.ts';
import { startRelay, TOKEN } from '../support/harness/relay.ts';
import { webSocketAt } from '../support/network/transport.ts';

/** A line of /metrics. */
const METRIC =
  /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="(?:[^"\\\n]|\\[\\"n])*"(,\w+="(?:[^"\\\n]|\\[\\"n])*")*\})? (\d+(\.\d+)?(e[+-]\d+)?|NaN))$/;

/** The `data:` objects of an event stream, one by one. */
async function* eventsOf(
  response: Response,
): AsyncGenerator<{ tunnelConnected: boolean; machine: { name: string; since: number | null } }> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end));
      text = text.slice(end + 2);
      if (data) yield JSON.parse(data[1]!);
    }
  }
}

test('events tell the state at once, and each coming and going of the machine', async () => {
  const relay = await startRelay();
  const cookie = await relay.login();
  const stop = new AbortController();
  const response = await relay.fetch('/api/relay/events', { cookie, signal: stop.signal });
  assert.is(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.is(response.headers.get('x-accel-buffering'), 'no');
  assert.is(response.headers.get('content-encoding'), 'gzip');
  const events = eventsOf(response);
  const next = async () => (await events.next()).value!;
  assert.is((await next()).tunnelConnected, false);
  const tunnel = startTunnelClient({
    url: webSocketAt(relay.port, '/tunnel'),
    token: TOKEN,
    handler: (_req, res) => void res.writeHead(204),
    info: { name: 'a machine', version: '1' },
    log: silentLog,
  });
  const up = await next();
  assert.is(up.tunnelConnected, true);
  assert.is(up.machine.name, 'a machine');
  await tunnel.close(0);
  let down = await next();
  while (down.tunnelConnected) down = await next(); // Leaving politely first stops taking requests.
  assert.ok(Math.abs(Date.now() - down.machine.since!) < 5000, 'since when it is away');
  stop.abort();
  await relay.close();
});

test('an open stream gets a sign of life at every interval, and none is timed without a stream', () => {
  const clock = fakeClock();
  const machines = { status: () => ({ connected: false }), onChange: () => () => {} };
  const directory = { list: () => [], onChange: () => () => {} };
  const status = new Status(machines as never, directory as never, { clock, version: '1' });
  const written: string[] = [];
  const response = new EventEmitter() as EventEmitter & { end(): void };
  Object.assign(response, { writeHead() {}, write: (text: string) => written.push(text), end() {} });
  status.events({ method: 'GET' } as never, response as never, false);
  for (let i = 1; i <= 3; i++) {
    clock.advance(15_000);
    assert.equal(written.slice(1), Array.from({ length: i }, () => ': still here\n\n'));
  }
  response.emit('close');
  clock.advance(15_000);
  assert.is(written.length, 4);
  assert.is(clock.pending, 0);
  status.close();
});

test('HEAD of the events ends at once', async () => {
  const relay = await startRelay();
  const cookie = await relay.login();
  const reply = await rawHttp(relay.port, request('HEAD', '/api/relay/events', { cookie }), 1000);
  assert.is(reply.status, 200);
  assert.ok(reply.closed);
  await relay.close();
});

test('metrics need their token, which is no login', async () => {
  const relay = await startRelay({ metricsToken: 'metrics-secret', machine: true });
  const get = (authorization: string) => fetch(`${relay.origin}/metrics`, { headers: { authorization } });
  for (const wrong of ['', 'Bearer', 'Bearer x', 'metrics-secret', 'Bearer metrics-secretx']) {
    assert.is((await get(wrong)).status, 401, wrong);
  }
  const response = await get('Bearer metrics-secret');
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0.0.4/);
  const text = await response.text();
  assert.match(text, /^relay_tunnel_connected 1$/m);
  assert.match(text, /^# TYPE relay_streams_total counter$/m);
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, METRIC);
  }
  assert.is(
    (await fetch(`${relay.origin}/api/agents`, { headers: { authorization: 'Bearer metrics-secret' } })).status,
    401,
  );
  await relay.close();
});

test('each machine has its own lines, and a name that looks like a metric is a name', async () => {
  const relay = await startRelay({ metricsToken: 'metrics-secret' });
  const hostile = '"} 1\nrelay_sessions 99\r\n\\{a="';
  const [lab, vm] = ['lab', hostile].map((name, i) =>
    startMachine(webSocketAt(relay.port, '/tunnel'), {
      token: TOKEN,
      info: { name, version: '1.0' },
      id: () => `machine${i}`,
    })
  );
  await Promise.all([lab!, vm!].map((machine) => machine.reach('connected')));
  const read = async () =>
    await (await fetch(`${relay.origin}/metrics`, { headers: { authorization: 'Bearer metrics-secret' } })).text();
  const text = await read();
  for (const line of text.trimEnd().split('\n')) assert.match(line, METRIC);
  assert.match(text, /^relay_machine_info\{machine="machine0",name="lab",version="1.0"\} 1$/m);
  assert.ok(text.includes(String.raw`{machine="machine1",name="\"} 1\nrelay_sessions 99\n\\{a=\"",version="1.0"} 1`));
  assert.match(text, /^relay_sessions 0$/m);
  for (const id of ['machine0', 'machine1']) {
    assert.match(text, new RegExp(`^relay_machine_connected\\{machine="${id}"\\} 1$`, 'm'));
    assert.match(text, new RegExp(`^relay_machine_received_bytes_total\\{machine="${id}"\\} [1-9]\\d*$`, 'm'));
  }
  await vm!.tunnel.close(0);
  let after = '';
  for (let i = 0; i < 100 && !/connected\{machine="machine1"\} 0/.test(after); i++) after = await read();
  assert.match(after, /^relay_machine_connected\{machine="machine1"\} 0$/m);
  assert.not.match(after, /relay_machine_streams\{machine="machine1"/);
  assert.match(after, /^relay_machine_connected\{machine="machine0"\} 1$/m);
  await lab!.tunnel.close(0);
  await relay.close();
});

test('without a metrics token there are none', async () => {
  const relay = await startRelay();
  assert.is((await fetch(`${relay.origin}/metrics`)).status, 404);
  await relay.close();
});

test('while the machine is away the dashboard loads and its requests say so', async () => {
  const relay = await startRelay();
  const cookie = await relay.login();
  assert.is((await relay.fetch('/')).status, 200);
  const reply = await relay.fetch('/api/agents', { cookie });
  assert.is(reply.status, 502);
  assert.is((await reply.json() as { error: string }).error, 'Tunnel not connected');
  await relay.close();
});

test.run();
