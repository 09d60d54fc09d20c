import { Buffer } from 'node:buffer';
import { appendFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_READ_ALONG, Reading } from '../../../agent/handoff/reading.ts';
import { LOOK_MS } from '../../../agent/handoff/follower.ts';
import { modeIn } from '../../../agent/provider/claude/last-mode.ts';
import { claudeTerminalSessions } from '../../../agent/provider/claude/terminal-sessions.ts';
import {
  ClaudeTranscript,
  MAX_LENGTH,
  MAX_LINES,
  MAX_MESSAGE,
  MAX_MESSAGES,
} from '../../../agent/provider/claude/transcript.ts';
import { deskChat } from '../../../core/api/handoff.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { apply, EMPTY, type State } from '../../../ui/state/store.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { type DeskFiles, deskFiles, line, said, sessionId } from '../../support/harness/desk-files.ts';

const opened: DeskFiles[] = [];
test.after(() => opened.forEach((files) => files.remove()));

const ID = sessionId(1);
const CHAT = deskChat(ID);

/** Reads along as a dashboard does: by pages and events. */
function reader() {
  const files = deskFiles();
  opened.push(files);
  const clock = fakeClock();
  const context = testContext({ dataDir: join(files.directory, 'data'), clock });
  const watch = { is: true };
  const reading = new Reading({
    ...{ context, source: claudeTerminalSessions(files.directory) },
    isWatched: () => watch.is,
    isListed: () => true,
  });
  let state: State = { ...EMPTY, epoch: 'e' };
  let seq = 0;
  const page = (id = ID) => {
    const answer = { ...reading.page(id, { limit: 80 }), agent: deskChat(id) };
    state = apply(state, { type: 'messages', seq, ...answer });
  };
  context.subscribe((change: LiveChange) => {
    state = apply(state, { type: 'event', seq: ++seq, change });
    if (change.type === 'messages.cleared') page();
  });
  return {
    ...{ files, clock, context, reading, watch, page },
    async look() {
      clock.advance(LOOK_MS);
      await reading.open(ID);
      await reading.open(ID);
    },
    get messages(): readonly Message[] {
      return state.chats[CHAT]?.messages ?? [];
    },
  };
}

const texts = (messages: readonly Message[]) =>
  messages.map((message) => 'text' in message ? message.text : message.kind);

test('what is on disk comes with the first page, what is added as events', async () => {
  const world = reader();
  world.files.say(ID, line('user', 'a', null, 'Hello'), said('b', 'a', 'Hi.'));
  await world.reading.open(ID);
  world.page();
  assert.equal(texts(world.messages), ['Hello', 'Hi.']);
  const before = world.context.published.length;
  world.files.say(ID, said('c', 'b', 'More.'));
  await world.look();
  assert.equal(world.context.published.slice(before).map(({ type }) => type), ['message']);
  assert.equal(texts(world.messages), ['Hello', 'Hi.', 'More.']);
  await world.reading.close();
});

test('before what is in memory there is nothing more to ask for', async () => {
  const { files, reading } = reader();
  files.say(ID, line('user', 'a', null, 'Hello'), said('b', 'a', 'Hi.'), said('c', 'b', 'More.'));
  await reading.open(ID);
  const { messages } = reading.page(ID, {});
  const before = (seq: number) => reading.page(ID, { before: seq, limit: 1 });
  assert.equal(before(messages[0]!.seq), { messages: [], more: false });
  assert.equal(before(1), { messages: [], more: false }, 'a page of before what was dropped');
  assert.equal([before(messages[1]!.seq).more, before(messages[2]!.seq).more], [false, true]);
  await reading.close();
});

test('half a line waits for its end', async () => {
  const world = reader();
  world.files.say(ID, line('user', 'a', null, 'Hello'));
  await world.reading.open(ID);
  world.page();
  const whole = `${JSON.stringify(said('b', 'a', 'Grüße aus Köln'))}\n`;
  const bytes = Buffer.from(whole);
  const half = bytes.indexOf(0xc3) + 1; // within a character
  appendFileSync(world.files.pathOf(ID), bytes.subarray(0, half));
  await world.look();
  assert.equal(texts(world.messages), ['Hello']);
  appendFileSync(world.files.pathOf(ID), bytes.subarray(half));
  await world.look();
  assert.equal(texts(world.messages), ['Hello', 'Grüße aus Köln']);
  await world.reading.close();
});

test('the branch that was written last is shown, and what was said in the other is not', async () => {
  const world = reader();
  world.files.say(ID, line('user', 'a', null, 'Hello'), said('b', 'a', 'Hi.'), line('user', 'c', 'b', 'One'));
  await world.reading.open(ID);
  world.page();
  world.files.say(ID, line('user', 'd', 'b', 'Two'), said('e', 'd', 'Second.'));
  await world.look();
  assert.equal(texts(world.messages), ['Hello', 'Hi.', 'Two', 'Second.']);
  await world.reading.close();
});

test('a tool runs until its result is there', async () => {
  const world = reader();
  const tool = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } };
  world.files.say(ID, line('user', 'a', null, 'Go'), line('assistant', 'b', 'a', [tool]));
  await world.reading.open(ID);
  world.page();
  const status = () => world.messages.flatMap((message) => message.kind === 'tool' ? [message.status] : []);
  assert.equal(status(), ['running']);
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'a.ts' };
  world.files.say(ID, line('user', 'c', 'b', [result]));
  await world.look();
  assert.equal(status(), ['done']);
  await world.reading.close();
});

test('a file that is cut or replaced is read again from its beginning', async () => {
  const world = reader();
  world.files.say(ID, line('user', 'a', null, 'Hello'), said('b', 'a', 'Hi.'));
  await world.reading.open(ID);
  world.page();
  truncateSync(world.files.pathOf(ID), 0);
  world.files.say(ID, line('user', 'x', null, 'Anew'));
  await world.look();
  assert.equal(texts(world.messages), ['Anew'], 'cut');
  const other = join(world.files.directory, 'other');
  writeFileSync(other, `${JSON.stringify(line('user', 'y', null, 'Replaced by a longer text than before'))}\n`);
  renameSync(other, world.files.pathOf(ID));
  await world.look();
  assert.equal(texts(world.messages), ['Replaced by a longer text than before'], 'replaced');
  await world.reading.close();
});

test('a session that has said nothing yet is empty until its file is there', async () => {
  const world = reader();
  await world.reading.open(ID);
  world.page();
  assert.equal(world.messages, []);
  world.files.say(ID, line('user', 'a', null, 'First'));
  await world.look();
  assert.equal(texts(world.messages), ['First']);
  await world.reading.close();
});

test('a link is not followed out of the configuration folder', async () => {
  const world = reader();
  const secret = join(world.files.directory, 'secret');
  writeFileSync(secret, `${JSON.stringify(line('user', 'a', null, 'Secret'))}\n`);
  symlinkSync(secret, world.files.pathOf(ID));
  await world.reading.open(ID);
  assert.equal(world.reading.page(ID, {}).messages, []);
  await world.reading.close();
});

test('3,000 lines at 100 a second: nothing lost or doubled, and the memory stays bounded', async () => {
  const world = reader();
  world.files.say(ID, line('user', 'n0', null, 'Begin'));
  await world.reading.open(ID);
  world.page();
  const sent: string[] = [];
  world.context.subscribe((change) => {
    if (change.type === 'message' && 'text' in change.message) sent.push(change.message.text);
  });
  for (let n = 1; n <= 3000;) {
    const batch = Array.from({ length: 25 }, () => said(`n${n}`, `n${n - 1}`, `line ${n++}`));
    world.files.say(ID, ...batch);
    await world.look();
  }
  assert.equal(sent, Array.from({ length: 3000 }, (_, i) => `line ${i + 1}`));
  const { messages } = world.reading.page(ID, { limit: 100_000 });
  assert.is(messages.length, MAX_MESSAGES + 1);
  assert.is((messages[0] as { code?: string }).code, 'earlier');
  assert.is(texts(messages).at(-1), 'line 3000');
  await world.reading.close();
});

test('a transcript keeps neither more lines nor more text than its bounds', () => {
  const many = new ClaudeTranscript(false);
  for (let n = 0; n < MAX_LINES * 3; n++) many.add(said(`n${n}`, `n${n - 1}`, 'x'));
  assert.ok(many.messages().length <= MAX_MESSAGES && many.isCut);
  const long = new ClaudeTranscript(false);
  const text = 'y'.repeat(60_000);
  for (let n = 0; n < 400; n++) long.add(said(`n${n}`, `n${n - 1}`, text));
  assert.ok(long.messages().length * text.length <= MAX_LENGTH && long.isCut);
});

test('a message that is too long for a dashboard is left out, and said', () => {
  const transcript = new ClaudeTranscript(false);
  const input = { edits: [{ old: 'z'.repeat(MAX_MESSAGE) }] };
  transcript.add(line('assistant', 'a', null, [{ type: 'tool_use', id: 't', name: 'MultiEdit', input }]));
  transcript.add(said('b', 'a', 'After it.'));
  const [tool, after] = transcript.messages();
  assert.equal(tool!.kind === 'tool' && [tool!.tool, tool!.input], ['MultiEdit', {}]);
  assert.ok(JSON.stringify(tool).length < 2000);
  assert.equal(after!.kind === 'text' && after!.text, 'After it.');
});

test('it ends when nobody watches any more', async () => {
  const world = reader();
  await world.reading.open(ID);
  world.watch.is = false;
  for (let i = 0; i < 200 && world.clock.pending; i++) {
    world.clock.advance(LOOK_MS);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(world.clock.pending, 0);
});

test('no more than so many are read at a time', async () => {
  const { reading, clock } = reader();
  for (let n = 0; n < MAX_READ_ALONG; n++) await reading.open(sessionId(n + 10));
  await reading.open(sessionId(99)).then(() => assert.unreachable(), (error) => assert.is(error.code, 'too_many'));
  assert.equal(reading.page(sessionId(99), {}), { messages: [], more: false });
  await reading.close();
  assert.is(clock.pending, 0);
});

test('the mode is the last that the file names, and never one that asks for nothing', () => {
  assert.is(modeIn([{ permissionMode: 'plan' }, { type: 'user', permissionMode: 'manual' }, {}]), 'default');
  assert.is(modeIn([{ permissionMode: 'acceptEdits' }]), 'acceptEdits');
  for (const permissionMode of ['bypassPermissions', 'constructor', '', 7]) {
    assert.is(modeIn([{ permissionMode }]), null);
  }
});

test.run();
