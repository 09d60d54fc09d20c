import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { browserName, LoginSessions, MAX_SESSIONS, SESSION_MS } from '../../../core/auth/sessions.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

const DAY = 24 * 3_600_000;

test('a session is found by its cookie and by no other', () => {
  const sessions = new LoginSessions(fakeClock());
  const { session, cookie } = sessions.create('203.0.113.7', 'Firefox on Linux');
  assert.is(sessions.find(cookie), session);
  assert.is(sessions.find(`${cookie}x`), null);
  assert.is(sessions.find(''), null);
});

test('it ends after a day, and its end is reported', () => {
  const clock = fakeClock();
  const sessions = new LoginSessions(clock);
  const ended: string[] = [];
  sessions.onEnd(({ id }) => ended.push(id));
  const { session, cookie } = sessions.create('a', 'b');
  clock.advance(SESSION_MS - 1);
  assert.ok(sessions.find(cookie));
  clock.advance(1);
  assert.is(sessions.find(cookie), null);
  clock.advance(60_000);
  assert.equal(ended, [session.id]);
});

test('an ended session stays ended although its cookie is genuine', () => {
  const sessions = new LoginSessions(fakeClock());
  const { session, cookie } = sessions.create('a', 'b');
  sessions.find(cookie);
  assert.ok(sessions.end(session.id));
  assert.is(sessions.find(cookie), null);
  assert.not.ok(sessions.end(session.id));
});

test('signing out everywhere ends all and makes old cookies worthless', () => {
  const sessions = new LoginSessions(fakeClock());
  const ended: string[] = [];
  sessions.onEnd(({ id }) => ended.push(id));
  const cookies = [1, 2, 3].map(() => sessions.create('a', 'b').cookie);
  const keyBefore = sessions.record().key;
  sessions.endAll();
  assert.equal(cookies.map((cookie) => sessions.find(cookie)), [null, null, null]);
  assert.is(ended.length, 3);
  assert.is.not(sessions.record().key, keyBefore);
});

test('however many end together, the record changes once', () => {
  const clock = fakeClock();
  const sessions = new LoginSessions(clock);
  let changes = 0;
  const begin = () => [1, 2, 3].forEach(() => sessions.create('a', 'b'));
  begin();
  sessions.onChange(() => changes++);
  sessions.endAll();
  assert.is(changes, 1);
  begin();
  changes = 0;
  clock.setWall(clock.now() + DAY);
  clock.advance(30_000);
  assert.equal(sessions.list(), []);
  assert.is(changes, 1);
});

test('sessions survive in their record', () => {
  const clock = fakeClock();
  const before = new LoginSessions(clock);
  const { session, cookie } = before.create('203.0.113.7', 'Safari on iPhone');
  const after = new LoginSessions(clock, JSON.parse(JSON.stringify(before.record())));
  assert.equal(after.find(cookie), session);
});

test('a cookie of another table with another key is refused', () => {
  const clock = fakeClock();
  const { cookie } = new LoginSessions(clock).create('a', 'b');
  assert.is(new LoginSessions(clock).find(cookie), null);
});

test('setting the clock back a day prolongs no session, setting it forward ends one', () => {
  const clock = fakeClock();
  const sessions = new LoginSessions(clock);
  const { cookie } = sessions.create('a', 'b');
  clock.setWall(clock.now() - DAY);
  assert.is(sessions.find(cookie), null, 'issued in the future');
  clock.setWall(clock.now() + DAY);
  assert.ok(sessions.find(cookie));
  clock.setWall(clock.now() + DAY);
  assert.is(sessions.find(cookie), null);
});

test('a clock that is wrong for a while ends no session: not by the sweep, not on disk', () => {
  for (const back of [10 * 60_000, DAY, 400 * DAY]) {
    const clock = fakeClock();
    const sessions = new LoginSessions(clock);
    const ended: string[] = [];
    sessions.onEnd(({ id }) => ended.push(id));
    const { session, cookie } = sessions.create('a', 'b');
    const right = clock.now();
    clock.setWall(right - back);
    clock.advance(35_000);
    assert.is(sessions.find(cookie), null, 'refused meanwhile');
    const restarted = new LoginSessions(clock, JSON.parse(JSON.stringify(sessions.record())));
    clock.advance(35_000);
    clock.setWall(right + 70_000);
    assert.equal(ended, []);
    assert.ok(sessions.find(cookie));
    assert.is(restarted.find(cookie)?.id, session.id);
    clock.advance(SESSION_MS);
    assert.equal([ended, sessions.record().sessions], [[session.id], []]);
  }
});

test('one more than the limit ends the session that was seen least recently', () => {
  const clock = fakeClock();
  const sessions = new LoginSessions(clock);
  const first = sessions.create('a', 'b');
  for (let i = 1; i < MAX_SESSIONS; i++) {
    clock.advance(1);
    sessions.create('a', 'b');
  }
  assert.ok(sessions.find(first.cookie));
  clock.advance(1);
  sessions.create('a', 'b');
  assert.is(sessions.find(first.cookie), null);
  assert.is(sessions.list().length, MAX_SESSIONS);
});

test('close clears its timer', () => {
  const clock = fakeClock();
  const sessions = new LoginSessions(clock);
  assert.is(clock.pending, 1);
  sessions.close();
  assert.is(clock.pending, 0);
});

const BROWSERS: [string, string][] = [
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  ['curl/8.0', 'curl'],
  ['agent-monitor/1.2.3 (laptop.example)', 'agent-monitor on laptop.example'],
  ['agent-monitor/1.2.3 (laptop) Firefox/1', 'Firefox'],
  ['', 'Unknown browser'],
];
for (const [agent, name] of BROWSERS) {
  test(`${name} is recognised`, () => assert.is(browserName(agent), name));
}

test.run();
