/** The real daemon of Codex, an agent of ours and a second client in the place of the terminal program, on one live thread. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../core/log.ts';
import { createCodex } from '../../agent/provider/codex/codex.ts';
import { DaemonLink } from '../../agent/provider/codex/daemon-link.ts';
import { daemonSocket } from '../../agent/provider/codex/daemon-socket.ts';
import { threadWriter } from '../../agent/provider/codex/thread-lock.ts';
import type { ProviderSession } from '../../agent/provider/provider.ts';
import type { JsonObject } from '../../agent/provider/untyped-json.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';
import { CODEX_BIN, type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';
import { until } from '../support/harness/product.ts';

const touch = { tool: { name: 'exec_command', arguments: { cmd: 'touch made.txt' } } };
const RULES = {
  rules: [
    { match: '^touch', steps: [touch, { text: 'over' }] },
    { match: '^slow', steps: [{ text: 'word '.repeat(150), chunk: 5, delayMs: 20 }] },
  ],
  default: { text: 'Stub answer.' },
};

interface Desk {
  link: DaemonLink;
  events: { method: string; params: JsonObject; id?: number | string }[];
  say(text: string): Promise<unknown>;
}

let harness: CodexHarness;
let home: string;
let daemon: ChildProcess;
let desk: Desk;
let thread: string;
let session: ProviderSession;
let seen: Recorder;

function openDesk(): Desk {
  const events: Desk['events'] = [];
  const link = new DaemonLink({
    socket: daemonSocket(home)!,
    notification: (method, params) => void events.push({ method, params }),
    request: (id, method, params) => void events.push({ id, method, params }),
    lost: () => {},
  });
  const say = (text: string) =>
    link.request('turn/start', { threadId: thread, input: [{ type: 'text', text, text_elements: [] }] });
  return { link, events, say };
}
const message = (text: string) => ({ id: `${text}-${Math.random()}`, text, images: [] });
const isMade = () => existsSync(join(harness.project, 'made.txt'));
const asked = () => desk.events.filter(({ method }) => method === 'item/commandExecution/requestApproval').at(-1);
const count = (method: string) => desk.events.filter((event) => event.method === method).length;

test.before(async () => {
  harness = await codexHarness(RULES);
  home = join(harness.directory, 'home');
  const env = harness.env as NodeJS.ProcessEnv;
  daemon = spawn(CODEX_BIN, ['app-server', '--listen', 'unix://'], { env, stdio: 'ignore' });
  await until('the socket', () => daemonSocket(home), 30_000);
  desk = openDesk();
  await desk.link.ready;
  const { thread: started } = await desk.link.request('thread/start', {
    cwd: harness.project,
    approvalPolicy: 'untrusted',
    sandbox: 'workspace-write',
  });
  thread = String((started as JsonObject).id);
  await desk.say('hello');
  await until('the first turn', () => count('turn/completed') === 1);
});
test.after(async () => {
  desk?.link.close();
  if (daemon && daemon.exitCode === null) {
    daemon.kill('SIGTERM');
    await once(daemon, 'exit');
  }
  await harness?.close();
});
test.before.each(() => rmSync(join(harness.project, 'made.txt'), { force: true }));

test('a thread of the daemon is listed as shared; opened, both see and write', async () => {
  const found = (await harness.provider.storedSessions!.list(10)).find(({ id }) => id === thread);
  assert.equal([found?.live, found?.inUse, found?.title], [true, false, 'hello']);
  ({ session, seen } = harness.open({ resume: thread }));
  await seen.type('ready');
  assert.is(session.pid, null);
  await desk.say('from the desk');
  await seen.type('turn.end');
  session.send(message('from the phone'));
  await until('both turns', () => seen.of('turn.end').length === 2);
  assert.equal(seen.of('typed').map(({ text }) => text), ['from the desk']);
  assert.equal(seen.of('text.end').map(({ text }) => text), ['Stub answer.', 'Stub answer.']);
  const phone = desk.events.filter(({ method }) => method === 'item/started').map(({ params }) =>
    JSON.stringify(params)
  );
  assert.ok(phone.some((text) => text.includes('from the phone')));
});

test('an approval that the phone answers, and one that the desk answers', async () => {
  const from = seen.events.length;
  await desk.say('touch');
  const { request } = await seen.type('request', from);
  await until('the same at the desk', asked);
  assert.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
  await seen.type('request.resolved', from);
  await seen.type('turn.end', from);
  assert.ok(isMade());
  await until('gone at the desk', () => count('serverRequest/resolved') === 1);

  rmSync(join(harness.project, 'made.txt'));
  const then = seen.events.length;
  session.send(message('touch'));
  const second = (await seen.type('request', then)).request;
  await until('the second at the desk', () => count('item/commandExecution/requestApproval') === 2);
  desk.link.answer(asked()!.id!, { decision: 'accept' });
  assert.is((await seen.type('request.cancelled', then)).requestId, second.requestId);
  await seen.type('turn.end', then);
  assert.not(session.decide(second.requestId, { decision: 'deny', clientId: 'd' }));
  assert.ok(isMade());
});

test('an agent that joins while a request is open gets it too; its refusal counts', async () => {
  await session.stop();
  await desk.say('touch again');
  await until('the request', () => count('item/commandExecution/requestApproval') === 3);
  ({ session, seen } = harness.open({ resume: thread }));
  const { request } = await seen.type('request');
  await seen.type('ready');
  assert.is(seen.of('typed')[0]!.text, 'touch again');
  assert.ok(session.decide(request.requestId, { decision: 'deny', clientId: 'c' }));
  await seen.type('turn.end');
  assert.not(isMade());
});

test('the desk is closed in a turn: it is seen to its end here', async () => {
  const from = seen.events.length;
  await desk.say('slow');
  await seen.type('text.delta', from);
  desk.link.close();
  assert.is((await seen.type('turn.end', from)).outcome, 'done');
  assert.is(seen.of('text.end', from).at(-1)!.text, 'word '.repeat(150));
});

test('a turn that was begun here ends with the agent; the daemon and the thread stay', async () => {
  session.send(message('slow'));
  const from = seen.events.length;
  await seen.type('text.delta', from);
  await session.stop();
  assert.is(seen.of('turn.end', from).at(-1)!.outcome, 'interrupted');
  assert.is(daemon.exitCode, null);
  assert.ok(threadWriter(home, thread));
  const again = harness.open({ resume: thread });
  await again.seen.type('ready');
  daemon.kill('SIGTERM');
  const exit = await again.seen.type('exit');
  assert.equal([exit.expected, exit.text.includes('The Codex daemon has ended')], [false, true]);
});

test('without a daemon a thread of another process is refused, with the process and its folder', async () => {
  const own = harness.open();
  own.session.send(message('mine'));
  await own.seen.type('turn.end');
  const { sessionId } = await own.seen.type('ready');
  const other = createCodex({ bin: CODEX_BIN, env: harness.env, log: silentLog });
  const refused = record();
  const options = {
    agentId: 'b',
    cwd: harness.project,
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
  } as const;
  other.open({ ...options, resume: sessionId }, refused.emit);
  const { text } = await refused.type('exit');
  assert.match(
    text,
    /open in another Codex program on this machine \(process \d+ in \/.*\)\. Leave it there with \/quit/,
  );
  await other.close();
  await own.session.stop();
});

test.run();
