/** An agent of the protocol with every bad manner that it can have: nothing breaks, nothing leaks, nothing waits for ever. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INITIALIZE_MS } from '../../agent/provider/acp/handshake.ts';
import { MAX_OPEN_REQUEST } from '../../agent/provider/acp/open-requests.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { message, said, withSession } from '../support/harness/acp-session.ts';
import { until } from '../support/harness/product.ts';

/** Bytes of one line. */
const HUGE = 64 * 1024 * 1024;

test('text before the JSON, a line without end, answers twice and of nobody: nothing breaks', () =>
  withSession({ garbage: true, huge: HUGE, twice: true }, async (session, seen) => {
    session.send(message('hello'));
    assert.is((await seen.type('turn.end')).outcome, 'done');
    assert.equal(said(seen), ['Hello in default.']);
    const notices = seen.of('notice').map(({ code }) => code);
    const dropped = seen.of('notice').find(({ code }) => code === 'dropped')!.text;
    assert.ok(Number(/line of (\d+) bytes/.exec(dropped)![1]) > HUGE, dropped);
    assert.ok(notices.includes('garbage') && notices.includes('dropped'), notices.join());
  }));

test('a request without options is refused; more open ones than a person can answer are, too', async () => {
  await withSession({ options: [] }, async (session, seen) => {
    session.send(message('ask'));
    await seen.type('turn.end');
    assert.is(seen.of('request').length, 0);
    assert.is(seen.of('tool.end')[0]!.result.text, 'touch x: cancelled');
  });
  await withSession({}, async (session, seen) => {
    session.send(message('many'));
    await seen.wait((event): event is typeof event =>
      event.type === 'request' && seen.of('request').length === MAX_OPEN_REQUEST
    );
    session.interrupt();
    await seen.type('turn.end');
    assert.is(seen.of('request').length, MAX_OPEN_REQUEST);
    assert.is(seen.of('request.cancelled').length, MAX_OPEN_REQUEST);
  });
});

test('files and terminals of ours are not offered: nothing outside is read or written, by whatever path', async () => {
  const root = mkdtempSync(join(tmpdir(), 'acp-'));
  const cwd = join(root, 'project');
  const secret = join(root, 'secret');
  mkdirSync(cwd);
  writeFileSync(secret, 'canary');
  symlinkSync(secret, join(cwd, 'link'));
  const paths = [secret, '../secret', join(cwd, 'link'), join(cwd, '..', 'secret')];
  await withSession({ paths }, async (session, seen) => {
    session.send(message('files'));
    await seen.type('turn.end');
    const results = JSON.parse(said(seen)[0]!) as { code: number }[];
    assert.is(results.length, 6 * paths.length);
    assert.ok(results.every(({ code }) => code === -32601));
    assert.not.match(JSON.stringify(results), /canary/);
  }, { cwd });
  assert.is(readFileSync(secret, 'utf8'), 'canary');
  rmSync(root, { recursive: true });
});

test('an agent that says nothing is given up after ten seconds, with a sentence', () => {
  const clock = fakeClock();
  return withSession(
    { silent: true },
    async (_session, seen) => {
      clock.advance(INITIALIZE_MS - 1);
      assert.equal(seen.events, []);
      clock.advance(1);
      const exit = await seen.type('exit');
      assert.match(exit.text, /^Fake did not begin: There was no answer to initialize\./);
    },
    {},
    { clock },
  );
});

test('an agent that does not answer when its mode is set is never prompted', () => {
  const clock = fakeClock();
  return withSession(
    { deafToModes: true },
    async (session, seen) => {
      session.send(message('hello'));
      await until('it has a session', () => clock.pending === 1 && seen.of('activity').length > 0);
      clock.advance(10_000);
      assert.match((await seen.type('exit')).text, /There was no answer to session\/set_mode/);
      assert.is(seen.of('turn.start').length, 0);
    },
    {},
    { clock },
  );
});

test('an agent that ignores the end of its input and SIGTERM is ended all the same', () =>
  withSession({ stubborn: true }, async (session, seen) => {
    await seen.type('ready');
    await session.stop();
    assert.is((await seen.type('exit')).expected, true);
  }));

test('requests after the cancel are answered as cancelled; late decisions change nothing', () =>
  withSession({}, async (session, seen) => {
    session.send(message('ask on'));
    await seen.type('turn.start');
    session.interrupt();
    assert.is((await seen.type('turn.end')).outcome, 'interrupted');
    assert.equal(said(seen), ['late: cancelled']);
    assert.is(seen.of('request').length, 0);
    assert.not.ok(session.decide('fake-1-made-up', { decision: 'allow', clientId: 'c' }));
    const from = seen.events.length;
    session.send(message('hello'));
    assert.is((await seen.type('turn.end', from)).outcome, 'done');
  }));

test('unknown sessions, calls, updates and methods say nothing and break nothing', () =>
  withSession({}, async (session, seen) => {
    session.send(message('other session'));
    assert.is((await seen.type('turn.end')).outcome, 'done');
    assert.equal(said(seen), ['mine']);
  }));

test('a request under the id of a call that is over shows what it asks for now', () =>
  withSession({}, async (session, seen) => {
    session.send(message('ask as another'));
    const { request } = await seen.type('request');
    assert.equal([request.title, request.input.command, request.toolId], ['rm -rf x', 'rm -rf x', null]);
    session.decide(request.requestId, { decision: 'deny', clientId: 'c' });
    await seen.type('turn.end');
  }));

test('options that cannot be told apart are refused', async () => {
  for (
    const options of [
      [{ optionId: 'x', name: 'Yes', kind: 'allow_once' }, {
        optionId: 'x',
        name: 'No',
        kind: 'reject_once',
      }],
      Array.from({ length: 51 }, (_, i) => ({ optionId: `o${i}`, name: `${i}`, kind: 'allow_once' })),
      'none',
    ]
  ) {
    await withSession({ options }, async (session, seen) => {
      session.send(message('ask'));
      await seen.type('turn.end');
      assert.is(seen.of('request').length, 0);
      assert.is(seen.of('tool.end')[0]!.result.text, 'touch x: cancelled');
    });
  }
});

test.run();
