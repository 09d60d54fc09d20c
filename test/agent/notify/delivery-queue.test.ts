import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../core/log.ts';
import { DeliveryQueue, RETRY_MS } from '../../../agent/notify/delivery-queue.ts';
import { type DeliveryState, EMPTY_STATE } from '../../../agent/notify/delivery-state.ts';
import { MAX_RATE } from '../../../agent/notify/recipient-rates.ts';
import { type Notice, type Sender, SendError } from '../../../agent/notify/sender.ts';
import { memoryDocument } from '../../support/fakes/memory-document.ts';
import { pipelineClock } from '../../support/fakes/pipeline-clock.ts';

const NOTICE: Notice = { event: 'failed', title: 'T', text: '', link: '' };
const MAIL = { channel: 'email', to: 'me@example.org' } as const;

function makeOutbox(options: { fail?: () => SendError | null; configured?: boolean; state?: DeliveryState } = {}) {
  const sent: string[] = [];
  const lines: string[] = [];
  const clock = pipelineClock();
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
  const log = createLog({ write: (line) => lines.push(line) });
  const document = memoryDocument(options.state ?? EMPTY_STATE);
  const outbox = new DeliveryQueue({ clock, log, senders: [email], document });
  outbox.start();
  return { outbox, sent, clock, lines, document };
}

test('the same key is told a recipient once, another recipient too', async () => {
  const { outbox, sent } = makeOutbox();
  outbox.deliver('a', NOTICE, [MAIL]);
  outbox.deliver('a', NOTICE, [MAIL, { channel: 'email', to: 'you@example.org' }]);
  await outbox.settled();
  assert.equal(sent, ['me@example.org T', 'you@example.org T']);
});

test('what is more than a person reads is told in one notice at the end of the window', async () => {
  const { outbox, sent, clock } = makeOutbox();
  for (let i = 0; i < MAX_RATE.count + 30; i++) outbox.deliver(`k${i}`, NOTICE, [MAIL]);
  await clock.advance(MAX_RATE.windowMs - 1);
  assert.is(sent.length, MAX_RATE.count);
  await clock.advance(1);
  await outbox.settled();
  assert.equal(sent.slice(MAX_RATE.count), ['me@example.org 30 more notifications']);
  outbox.deliver('later', NOTICE, [MAIL]);
  await outbox.settled();
  assert.is(sent.length, MAX_RATE.count + 2);
});

test('a failure is tried again with growing pauses, then given up; the status says so', async () => {
  let tries = 0;
  const { outbox, sent, clock } = makeOutbox({ fail: () => (tries++, new SendError('away', { isFinal: false })) });
  outbox.deliver('a', NOTICE, [MAIL]);
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
  outbox.deliver('a', NOTICE, [MAIL]);
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
  outbox.deliver('a', NOTICE, [MAIL]);
  await outbox.settled();
  assert.equal([clock.pending, outbox.status[0]!.error], [0, 'wrong password']);
});

test('a channel that is not set up logs one line and says what to set', async () => {
  const { outbox, lines } = makeOutbox({ configured: false });
  outbox.deliver('a', NOTICE, [MAIL]);
  outbox.deliver('a', NOTICE, []);
  assert.is(lines.length, 1);
  assert.match(lines[0]!, /T \(no channel is set up\)/);
  assert.is(outbox.status[0]!.text, 'Set SMTP_HOST.');
  await outbox.test(MAIL, NOTICE).then(() => assert.unreachable(), (error) => assert.match(error.message, /SMTP_HOST/));
});

test('the address of a recipient, which may be a secret, is in no log line', async () => {
  const { outbox, lines, clock } = makeOutbox({
    fail: () => new SendError('Slack could not be reached.', { isFinal: false }),
  });
  outbox.deliver('a', NOTICE, [{ channel: 'email', to: 'https://hooks.example/SECRET' }]);
  await outbox.settled();
  await clock.advance(RETRY_MS[0]!);
  await outbox.settled();
  assert.ok(lines.length > 0 && !lines.join().includes('SECRET'));
  outbox.close();
});

test('closing ends every timer', async () => {
  const { outbox, clock } = makeOutbox({ fail: () => new SendError('away', { isFinal: false }) });
  for (let i = 0; i < MAX_RATE.count + 2; i++) outbox.deliver(`k${i}`, NOTICE, [MAIL]);
  await outbox.settled();
  assert.is(clock.pending, MAX_RATE.count + 1);
  await outbox.close();
  assert.is(clock.pending, 0);
});

/** What is on disk when the process ends at this moment, as the next one reads it. */
const onDisk = (there: { document: { value: DeliveryState } }): DeliveryState => structuredClone(there.document.value);

test('what waits is on disk: the next start sends it, once, with the same id', async () => {
  const first = makeOutbox({ fail: () => new SendError('away', { isFinal: false }) });
  first.outbox.deliver('a', NOTICE, [MAIL]);
  await first.outbox.settled();
  const state = onDisk(first);
  assert.equal(state.deliveries.map((entry) => [entry.state, entry.tries]), [['waiting', 1]]);
  const next = makeOutbox({ state });
  next.outbox.deliver('a', NOTICE, [MAIL]);
  assert.is(next.outbox.status[0]!.waiting, 1);
  await next.clock.advance(RETRY_MS[0]!);
  await next.outbox.settled();
  assert.equal([next.sent, next.document.value.deliveries, next.outbox.status[0]!.unknown], [
    [`me@example.org T`],
    [],
    0,
  ]);
  await first.outbox.close();
});

test('what was under way when the process ended is not sent again but said to be unknown, until a test arrived', async () => {
  let end = () => {};
  const first = makeOutbox();
  const hangs: Sender = {
    channel: 'email',
    configured: true,
    setup: '',
    send: () => new Promise<void>((resolve) => end = resolve),
  };
  const queue = new DeliveryQueue({
    clock: first.clock,
    log: createLog({ write: () => {} }),
    senders: [hangs],
    document: first.document,
  });
  queue.deliver('a', NOTICE, [MAIL]);
  await new Promise((resolve) => setImmediate(resolve));
  const state = onDisk(first);
  assert.equal(state.deliveries.map((entry) => entry.state), ['sending']);
  const next = makeOutbox({ state });
  await next.clock.advance(RETRY_MS.at(-1)! * 10);
  assert.equal([next.sent, next.outbox.status[0]!.unknown], [[], 1]);
  assert.match(next.lines.join(), /not known/);
  // It stays so over another restart.
  assert.is(makeOutbox({ state: onDisk(next) }).outbox.status[0]!.unknown, 1);
  await next.outbox.test(MAIL, NOTICE);
  assert.is(next.outbox.status[0]!.unknown, 0);
  end();
  await queue.settled();
});

test('it is on disk before the service is asked', async () => {
  const seen: string[] = [];
  const document = memoryDocument<DeliveryState>(
    EMPTY_STATE,
    (value) => void seen.push(value.deliveries.map(({ state }) => state).join() || 'none'),
  );
  const email: Sender = { channel: 'email', configured: true, setup: '', send: async () => void seen.push('asked') };
  const queue = new DeliveryQueue({
    clock: pipelineClock(),
    log: createLog({ write: () => {} }),
    senders: [email],
    document,
  });
  queue.deliver('a', NOTICE, [MAIL]);
  await queue.settled();
  assert.equal(seen, ['sending', 'asked', 'none']);
});

test('what must wait (quiet hours) is sent then; how many were held back is not lost by a restart', async () => {
  const first = makeOutbox();
  const until = first.clock.now() + 3_600_000;
  first.outbox.deliver('a', NOTICE, [MAIL], until);
  for (let i = 0; i < MAX_RATE.count + 2; i++) first.outbox.deliver(`k${i}`, NOTICE, [MAIL]);
  await first.outbox.settled();
  assert.is(first.sent.length, MAX_RATE.count - 1);
  const next = makeOutbox({ state: onDisk(first) });
  await next.clock.advance(3_600_000);
  await next.outbox.settled();
  assert.equal(next.sent, ['me@example.org 3 more notifications', 'me@example.org T']);
});

test('what need not be told any more is not tried again', async () => {
  const { outbox, clock, document } = makeOutbox({ fail: () => new SendError('away', { isFinal: false }) });
  for (const key of ['a', 'b']) outbox.deliver(key, NOTICE, [MAIL]);
  await outbox.settled();
  outbox.withdraw('a');
  outbox.withdraw('unknown');
  await outbox.close();
  assert.equal([document.value.deliveries.map(({ key }) => key), clock.pending], [['b'], 0]);
});

test('a request that ended while the machine was away is not told late', async () => {
  const first = makeOutbox({ fail: () => new SendError('away', { isFinal: false }) });
  first.outbox.deliver('request a1 r1', { ...NOTICE, agent: 'a1', request: 'r1' }, [MAIL]);
  first.outbox.deliver('failed a1', { ...NOTICE, agent: 'a1' }, [MAIL]);
  await first.outbox.settled();
  await first.outbox.close();
  const sent: string[] = [];
  const email: Sender = {
    channel: 'email',
    configured: true,
    setup: '',
    send: async (_, notice) => void sent.push(notice.request ?? 'no request'),
  };
  const { clock } = first;
  const log = createLog({ write: () => {} });
  const next = new DeliveryQueue({ clock, log, senders: [email], document: memoryDocument(onDisk(first)) });
  assert.equal(next.requests(), [{ agent: 'a1', request: 'r1' }]);
  next.withdraw('request a1 r1');
  next.start();
  await clock.advance(RETRY_MS[0]!);
  await next.settled();
  assert.equal(sent, ['no request']);
});

test('a full disk does not keep a notice from being sent', async () => {
  const sent: string[] = [];
  const document = memoryDocument<DeliveryState>(EMPTY_STATE, () => Promise.reject(new Error('no space left')));
  const email: Sender = { channel: 'email', configured: true, setup: '', send: async (to) => void sent.push(to) };
  const queue = new DeliveryQueue({
    clock: pipelineClock(),
    log: createLog({ write: () => {} }),
    senders: [email],
    document,
  });
  queue.deliver('a', NOTICE, [MAIL]);
  await queue.settled();
  assert.equal(sent, ['me@example.org']);
});

test.run();
