/** A session with a scripted agent of the protocol: the ordinary way, and what the real ones do each in its own way. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createAcp } from '../../agent/provider/acp/acp.ts';
import { createLog } from '../../core/log.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { holderDirectory, readRecords } from '../../agent/process/holder/records.ts';
import { LOOK_MS } from '../../agent/process/holder/server.ts';
import type { ProviderSession } from '../../agent/provider/provider.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';
import { FAKE_ACP, message, OPEN, said, withSession } from '../support/harness/acp-session.ts';
import { temporaryDirectory } from '../support/harness/git.ts';
import { until } from '../support/harness/product.ts';

test('a turn: thought, text, usage, todos, its end; and the next one', () =>
  withSession({}, async (session, seen) => {
    session.send(message('hello'));
    await seen.type('turn.end');
    const ready = seen.of('ready').at(-1)!;
    assert.equal([ready.sessionId, ready.version], ['s-1', '1.2.3']);
    assert.equal(ready.capabilities!.modes, ['default', 'plan', 'bypassPermissions']);
    assert.equal(ready.capabilities!.commands.map(({ name }) => name), ['help']);
    assert.equal(said(seen), ['Hello in default.']);
    assert.equal(seen.of('todos')[0]!.todos.map(({ status }) => status), ['completed', 'pending']);
    assert.ok(seen.of('usage').some(({ usage }) => usage.costUsd === 0.5 && usage.contextWindow === 1000));
    const from = seen.events.length;
    session.send(message('again'));
    assert.is((await seen.type('turn.end', from)).outcome, 'done');
  }));

test('a permission: every option by its own name, answered by its own id, and seen to be taken', () =>
  withSession({}, async (session, seen) => {
    session.send(message('ask'));
    const { request } = await seen.type('request');
    assert.equal(request.choices.map(({ id, label }) => `${id} ${label}`), [
      'allow Allow',
      'option:always Always allow',
      'deny Reject',
    ]);
    assert.equal(request.input, { command: 'touch x' });
    assert.ok(session.decide(request.requestId, { decision: 'option:always', clientId: 'c' }));
    assert.not.ok(session.decide(request.requestId, { decision: 'deny', clientId: 'd' }), 'only once');
    assert.is((await seen.type('request.resolved')).requestId, request.requestId);
    const end = await seen.type('tool.end');
    assert.equal([end.status, end.result.text], ['done', 'touch x: always']);
    assert.is(end.id, request.toolId);
  }));

test('messages wait for their turn and can be taken back', () =>
  withSession({}, async (session, seen) => {
    session.send(message('wait'));
    await seen.type('turn.start');
    session.send(message('second'));
    session.send(message('third'));
    session.cancelQueued('second');
    session.interrupt();
    await seen.wait((event): event is typeof event => event.type === 'text.end');
    assert.equal(said(seen), ['third']);
    const statuses = seen.of('message.status').map(({ id, status }) => `${id} ${status}`);
    assert.equal(statuses.filter((line) => line.startsWith('second')), ['second queued', 'second cancelled']);
    assert.is(seen.of('turn.end')[0]!.outcome, 'interrupted');
  }));

test('an interrupt answers what is open; a decision afterwards is too late', () =>
  withSession({}, async (session, seen) => {
    session.send(message('ask'));
    const { request } = await seen.type('request');
    session.interrupt();
    await seen.type('request.cancelled');
    assert.not.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
    await seen.type('turn.end');
    assert.is(seen.of('tool.end')[0]!.result.text, 'touch x: cancelled');
  }));

test('a form is a question', () =>
  withSession({}, async (session, seen) => {
    session.send(message('form'));
    const { request } = await seen.type('request');
    assert.equal(request.questions.map(({ id, question }) => `${id} ${question}`), ['q0 Color?']);
    session.decide(request.requestId, { decision: 'answer', clientId: 'c', answers: { q0: ['Blue'] } });
    await seen.type('turn.end');
    assert.equal(said(seen), ['{"action":"accept","content":{"q0":"Blue"}}']);
  }));

test('an agent that acts unasked is put into the mode that asks before the first prompt', () =>
  withSession({ acts: true }, async (session, seen) => {
    session.send(message('hello'));
    await seen.type('turn.end');
    assert.equal(said(seen), ['Hello in default.']);
  }));

test('also after a session was loaded; what is replayed is not told again', () =>
  withSession({}, async (session, seen) => {
    session.send(message('hello'));
    await seen.type('turn.end');
    assert.equal(said(seen), ['Hello in default.']);
    assert.is(seen.of('ready').at(-1)!.sessionId, 's-old');
  }, { resume: 's-old' }));

test('a mode that it does not have falls back to the one that asks', () =>
  withSession({ acts: true }, async (session, seen) => {
    session.send(message('hello'));
    await seen.type('turn.end');
    assert.equal(said(seen), ['Hello in default.']);
  }, { mode: 'acceptEdits' }));

test('an agent without modes: the page says that it may act unasked', () =>
  withSession({ modes: false }, async (_session, seen) => {
    assert.match((await seen.type('notice')).text, /no mode that asks before it acts/);
  }));

test('a mode that acts is said to act, unless the configuration makes the agent ask', async () => {
  const ENV = (mode: string) => ({ env: { ...process.env, ACP_SCRIPT: JSON.stringify({ build: true, mode }) } });
  for (const asksByConfiguration of [false, true]) {
    await withSession(
      {},
      async (_session, seen) => {
        const { level, text } = await seen.type('notice');
        assert.is(level, asksByConfiguration ? 'info' : 'warning');
        assert.match(text, asksByConfiguration ? /its configuration tells it to ask/ : /it may act without asking/);
      },
      {},
      { ...ENV('build'), agent: { asksByConfiguration } },
    );
  }
});

test('a session that is gone is said to be lost; an agent that cannot load begins a new one and says so', async () => {
  await withSession({ lost: true }, async (_session, seen) => {
    const exit = await seen.type('exit');
    assert.equal([exit.sessionLost, exit.expected], [true, false]);
  }, { resume: 's-old' });
  await withSession({ noLoad: true }, async (_session, seen) => {
    assert.match((await seen.type('notice')).text, /a new one begins/);
  }, { resume: 's-old' });
});

test('no login: the sentence names the command', () =>
  withSession({ auth: true }, async (_session, seen) => {
    assert.is(
      (await seen.type('exit')).text,
      'Fake is not logged in. Run `fake login` in a terminal and log in there.',
    );
  }));

test('an error in a turn ends the turn, not the session', () =>
  withSession({}, async (session, seen) => {
    session.send(message('fail'));
    const end = await seen.type('turn.end');
    assert.equal([end.outcome, end.text], ['error', 'Fake: boom']);
    const from = seen.events.length;
    session.send(message('hello'));
    assert.is((await seen.type('turn.end', from)).outcome, 'done');
  }));

test('a program that is not there says what to type', async () => {
  const seen = record();
  const agent = { id: 'none', name: 'None', command: 'no-such-agent', args: [], install: 'npm install -g none' };
  const provider = createAcp({ agent });
  assert.match((await provider.probe()).text, /npm install -g none/);
  provider.open(OPEN, seen.emit);
  assert.match(
    (await seen.type('exit')).text,
    /None was not found \(no-such-agent\)\. Install it with `npm install -g none`/,
  );
});

test('a request before its tool call, with two options of one kind: each is answered by its own id', async () => {
  for (const [i, optionId] of ['once', 'switch', 'no'].entries()) {
    await withSession({}, async (session, seen) => {
      session.send(message('ask first'));
      const { request } = await seen.type('request');
      assert.equal(request.choices.map(({ label }) => label), ['Once', 'Once, then ask', 'No']);
      assert.equal(request.input, { command: 'make' });
      assert.ok(seen.of('tool.start').some(({ id }) => id === request.toolId), 'its card is there');
      session.decide(request.requestId, { decision: request.choices[i]!.id, clientId: 'c' });
      await seen.type('turn.end');
      assert.equal(said(seen), [optionId]);
    });
  }
});

test('a question that comes as a permission is a question: its answers go beside the outcome', async () => {
  const ask = (decision: object) =>
    withSession({}, async (session, seen) => {
      session.send(message('question'));
      const { request } = await seen.type('request');
      assert.is(request.request, 'question');
      assert.equal(request.questions[0]!.options.map(({ label }) => label), ['Blue', 'Red']);
      session.decide(request.requestId, { clientId: 'c', ...decision } as Parameters<typeof session.decide>[1]);
      await seen.type('turn.end');
      answer = JSON.parse(said(seen)[0]!);
    });
  let answer: unknown;
  await ask({ decision: 'answer', answers: { 0: ['Blue'] } });
  assert.equal(answer, { outcome: { outcome: 'selected', optionId: 'proceed_once' }, answers: { 0: 'Blue' } });
  await ask({ decision: 'deny' });
  assert.equal(answer, { outcome: { outcome: 'selected', optionId: 'cancel' } });
});

test('an elicitation that opens a page is declined, and said so', () =>
  withSession({}, async (session, seen) => {
    session.send(message('link'));
    await seen.type('turn.end');
    assert.equal(said(seen), ['{"action":"decline"}']);
    assert.match(seen.of('notice').at(-1)!.text, /declined/);
  }));

test('settings as config options: a mode in a group, "allow all" off as a boolean, the effort', () =>
  withSession(
    { config: true, modes: false },
    async (session, seen) => {
      const ready = await seen.type('ready');
      assert.equal(ready.capabilities!.modes, ['default', 'plan', 'bypassPermissions']);
      const log = await sent(seen, session, 'set');
      assert.equal(log, [
        { configId: 'm', value: 'default' },
        { configId: 'allow', type: 'boolean', value: false },
        { configId: 'effort', value: 'high' },
      ]);
    },
    { effort: 'high' },
    { env: { ...process.env, ACP_LOG: LOG, ACP_SCRIPT: '{"config":true,"modes":false}' } },
  ));

const LOG = join(mkdtempSync(join(tmpdir(), 'acp-')), 'log');

/** What was sent with `session/set_config_option`. */
async function sent(seen: Recorder, session: ProviderSession, text: string): Promise<object[]> {
  session.send(message(text));
  await seen.type('turn.end');
  const lines = readFileSync(LOG, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return lines.filter(({ method }) => method === 'session/set_config_option')
    .map(({ params: { sessionId: _, ...rest } }) => rest);
}

test('what the agent tells before its session is open does no harm; a mode that it gave itself is told and not kept', () =>
  withSession({ early: true }, async (session, seen) => {
    session.send(message('change mode'));
    await seen.type('turn.end');
    assert.equal(seen.of('session').map(({ mode }) => mode).at(0), 'default');
    assert.is(seen.of('session').at(-1)!.mode, 'default', 'nobody chose the other: it must not be set again later');
    assert.match(seen.of('notice').at(-1)!.text, /switched to a mode that asks for nothing \(yolo\)/);
    session.setMode('bypassPermissions');
    await seen.wait((event): event is typeof event => event.type === 'session' && event.mode === 'bypassPermissions');
  }));

test('a failure that is told only as text, details of an internal error, a refused key: each is a sentence', () =>
  withSession(
    {},
    async (session, seen) => {
      const ends = async (text: string) => {
        const from = seen.events.length;
        session.send(message(text));
        const { outcome, text: sentence } = await seen.type('turn.end', from);
        return `${outcome} ${sentence}`;
      };
      assert.is(await ends('fail in words'), 'error Fake: Error: Authentication failed (HTTP 401).');
      assert.is(await ends('hello'), 'done ');
      assert.is(await ends('details'), 'error Fake: 401 bad key');
      assert.match(await ends('unauthorized'), /^error Fake is not logged in \(bad key\)\. Run `.*` in a terminal/);
    },
    {},
    { agent: { failurePrefix: 'Error: ' } },
  ));

test('pictures that the agent does not take: the text goes without them, said so; nothing but pictures fails', () =>
  withSession({ images: false }, async (session, seen) => {
    const images = [{ mediaType: 'image/png', data: 'AA==' }];
    session.send({ ...message('with'), images });
    await seen.type('turn.end');
    assert.equal(said(seen), ['with']);
    assert.match(seen.of('notice').at(-1)!.text, /takes no pictures: the text was sent/);
    session.send({ id: 'bare', text: '', images });
    const failed = await seen.wait((event): event is Extract<typeof event, { type: 'message.status' }> =>
      event.type === 'message.status' && event.status === 'failed'
    );
    assert.equal([failed.id, failed.error], ['bare', 'Fake takes no pictures.']);
  }));

test('an agent that ends in a turn: the exit is the last event', () =>
  withSession({}, async (session, seen) => {
    session.send(message('quit'));
    const exit = await seen.type('exit');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.is(seen.events.at(-1), exit);
    assert.match(exit.text, /^Fake ended with exit code 3/);
  }));

test('a stop ends the turn and begins no other', () =>
  withSession({}, async (session, seen) => {
    session.send(message('wait'));
    await seen.type('turn.start');
    session.send(message('next'));
    await session.stop();
    assert.is(seen.of('turn.end')[0]!.outcome, 'interrupted');
    assert.is(seen.of('turn.start').length, 1);
    assert.is(seen.of('exit')[0]!.expected, true);
  }));

test('the log names the session, what is no JSON and what went to stderr', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', write: (line) => lines.push(line) });
  await withSession({ garbage: true }, (_session, seen) => seen.type('ready').then(() => {}), {}, { log });
  assert.ok(lines.some((line) => /session opened agent=a session=s-1 version=1\.2\.3/.test(line)), lines.join('\n'));
  assert.ok(lines.some((line) => /WARN no JSON agent=a text="Welcome/.test(line)), lines.join('\n'));
});

test('in a holder, no server need come: it ends when the turn has, by a result or by an error, and not before', async () => {
  const { path: dataDir, remove } = temporaryDirectory();
  const directory = holderDirectory(dataDir);
  const ids = () => readRecords(directory).map(({ id }) => id);
  const agent = { id: 'fake', name: 'Fake', command: FAKE_ACP, args: [], install: '' };
  const provider = createAcp({ agent, env: process.env, holders: { dataDir, idleMs: 100 } });
  try {
    for (const text of ['hello', 'fail', 'details', 'wait']) {
      const seen = record();
      const session = provider.open({ ...OPEN, holder: { id: `h-${text}`, survivor: null } }, seen.emit);
      session.send(message(text));
      await seen.type(text === 'wait' ? 'turn.start' : 'turn.end');
      session.held!.detach();
    }
    await until('those are gone whose turns are over', () => ids().length === 1);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS + 1000));
    assert.equal(ids(), ['h-wait'], 'the one at work stays');
  } finally {
    await endHolders(dataDir);
    remove();
  }
});

test.run();
