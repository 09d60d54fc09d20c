import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../core/log.ts';
import { Outbox, RATE, RETRY_MS } from '../../../agent/notify/outbox.ts';
import { type Notice, type Sender, SendError } from '../../../agent/notify/sender.ts';
import { workshopClock } from '../../support/workshop-clock.ts';

const NOTICE: Notice = { title: 'T', text: '', link: '' };
const MAIL = { channel: 'email', to: 'me@example.org' } as const;

function makeOutbox(options: { fail?: () => SendError | null; configured?: boolean } = {}) {
  const sent: string[] = [];
  const lines: string[] = [];
  const clock = workshopClock();
  const email: Sender = {
    channel: 'email',
    configured: options.configured ?? true,
    setup: 'Set SMTP_HOST.',
    send: async (to, notice) => {
      const error = options.fail?.();
      if (error) throw error;
      sent.push(`${to} ${notice.title}`);
    },
  };
  const outbox = new Outbox({ clock, log: createLog({ write: (line) => lines.push(line) }), senders: [email] });
  return { outbox, sent, clock, lines };
}

test('the same key is told a recipient once, another recipient too', async () => {
  const { outbox, sent } = makeOutbox();
  outbox.tell('a', NOTICE, [MAIL]);
  outbox.tell('a', NOTICE, [MAIL, { channel: 'email', to: 'you@example.org' }]);
  await outbox.settled();
  assert.equal(sent, ['me@example.org T', 'you@example.org T']);
});

test('what is more than a person reads is told in one notice at the end of the window', async () => {
  const { outbox, sent, clock } = makeOutbox();
  for (let i = 0; i < RATE.count + 30; i++) outbox.tell(`k${i}`, NOTICE, [MAIL]);
  await clock.advance(RATE.windowMs - 1);
  assert.is(sent.length, RATE.count);
  await clock.advance(1);
  await outbox.settled();
  assert.equal(sent.slice(RATE.count), ['me@example.org 30 more notifications']);
  outbox.tell('later', NOTICE, [MAIL]);
  await outbox.settled();
  assert.is(sent.length, RATE.count + 2);
});

test('a failure is tried again with growing pauses, then given up; the status says so', async () => {
  let tries = 0;
  const { outbox, sent, clock } = makeOutbox({ fail: () => (tries++, new SendError('away', { isFinal: false })) });
  outbox.tell('a', NOTICE, [MAIL]);
  await outbox.settled();
  assert.equal([tries, outbox.status[0]!.waiting, outbox.status[0]!.error], [1, 1, 'away']);
  for (const [i, pause] of RETRY_MS.entries()) {
    await clock.advance(pause - 1);
    assert.is(tries, i + 1);
    await clock.advance(1);
    await outbox.settled();
    assert.is(tries, i + 2);
  }
  assert.equal([sent.length, clock.pending, outbox.status[0]!.waiting], [0, 0, 0]);
});

test('a success after a failure clears the error; the pause that a service asks for is kept', async () => {
  let isAway = true;
  const { outbox, sent, clock } = makeOutbox({
    fail: () => (isAway ? new SendError('full', { isFinal: false, retryAfterMs: 100_000 }) : null),
  });
  outbox.tell('a', NOTICE, [MAIL]);
  await outbox.settled();
  isAway = false;
  await clock.advance(99_999);
  assert.is(sent.length, 0);
  await clock.advance(1);
  await outbox.settled();
  assert.equal([sent.length, outbox.status[0]!.error], [1, '']);
});

test('a final failure is not tried again', async () => {
  const { outbox, clock } = makeOutbox({ fail: () => new SendError('wrong password', { isFinal: true }) });
  outbox.tell('a', NOTICE, [MAIL]);
  await outbox.settled();
  assert.equal([clock.pending, outbox.status[0]!.error], [0, 'wrong password']);
});

test('a channel that is not set up logs one line and says what to set', async () => {
  const { outbox, lines } = makeOutbox({ configured: false });
  outbox.tell('a', NOTICE, [MAIL]);
  outbox.tell('a', NOTICE, []);
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /T \(no channel is set up\)/);
  assert.is(outbox.status[0]!.text, 'Set SMTP_HOST.');
  await outbox.test(MAIL, NOTICE).then(() => assert.unreachable(), (error) => assert.match(error.message, /SMTP_HOST/));
});

test('the address of a recipient, which may be a secret, is in no log line', async () => {
  const { outbox, lines, clock } = makeOutbox({
    fail: () => new SendError('Slack could not be reached.', { isFinal: false }),
  });
  outbox.tell('a', NOTICE, [{ channel: 'email', to: 'https://hooks.example/SECRET' }]);
  await outbox.settled();
  await clock.advance(RETRY_MS[0]!);
  await outbox.settled();
  assert.ok(lines.length > 0 && !lines.join().includes('SECRET'));
  outbox.close();
});

test('closing ends every timer', async () => {
  const { outbox, clock } = makeOutbox({ fail: () => new SendError('away', { isFinal: false }) });
  for (let i = 0; i < RATE.count + 2; i++) outbox.tell(`k${i}`, NOTICE, [MAIL]);
  await outbox.settled();
  assert.is(clock.pending, RATE.count + 1);
  outbox.close();
  assert.is(clock.pending, 0);
});

test.run();
