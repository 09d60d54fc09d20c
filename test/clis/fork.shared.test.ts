/** Copies of conversations that end at a message, by the real CLIs: the model gets what was said up to there, and no more. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderSession } from '../../agent/provider/provider.ts';
import type { Recorder } from '../support/fakes/provider-recorder.ts';
import { claudeHarness } from '../support/harness/claude-harness.ts';
import { codexHarness } from '../support/harness/codex-harness.ts';

const SCENARIO = {
  rules: [
    { match: 'apple', steps: [{ text: 'Apple it is.' }] },
    { match: 'banana', steps: [{ text: 'Banana it is.' }] },
    { match: 'long', steps: [{ text: 'word '.repeat(300), chunk: 6, delayMs: 30 }] },
  ],
  default: { text: 'Stub answer.' },
};

interface Opened {
  session: ProviderSession;
  seen: Recorder;
}

async function ask({ session, seen }: Opened, text: string) {
  const from = seen.events.length;
  session.send({ id: crypto.randomUUID(), text, images: [] });
  return await seen.type('turn.end', from);
}

/** Ends once something of the answer is there. */
async function interrupted({ session, seen }: Opened, text: string) {
  const from = seen.events.length;
  session.send({ id: crypto.randomUUID(), text, images: [] });
  await seen.type('text.delta', from);
  session.interrupt();
  return await seen.type('turn.end', from);
}

const HARNESSES = { claude: claudeHarness, codex: codexHarness };
for (const [name, create] of Object.entries(HARNESSES)) {
  test(`${name}: a copy ends at the turn that it is made of, and the original goes on as it was`, async () => {
    const harness = await create(SCENARIO);
    try {
      const first = harness.open();
      const apple = await ask(first, 'apple please');
      const banana = await ask(first, 'banana please');
      assert.ok(apple.point && banana.point && apple.point !== banana.point);
      const { sessionId } = await first.seen.type('session');

      const copy = harness.open({ resume: sessionId, fork: true, forkAt: apple.point });
      assert.is((await ask(copy, 'cherry please')).outcome, 'done');
      const said = harness.stub.requests.at(-1)!.conversation!;
      assert.match(said, 'Apple it is.');
      assert.match(said, 'cherry please');
      assert.not.match(said, 'anana');
      const copied = copy.seen.of('session').at(-1)!.sessionId;
      assert.is.not(copied, sessionId);

      // The end of a copy is a place to copy from, too.
      const second = harness.open({ resume: copied, fork: true, forkAt: apple.point });
      await ask(second, 'date please');
      assert.not.match(harness.stub.requests.at(-1)!.conversation!, 'cherry');

      await ask(first, 'elder please');
      const original = harness.stub.requests.at(-1)!.conversation!;
      assert.match(original, 'Banana it is.');
      assert.not.match(original, 'cherry');
    } finally {
      await harness.close();
    }
  });

  test(`${name}: a turn that was interrupted is a place to copy from`, async () => {
    const harness = await create(SCENARIO);
    try {
      const first = harness.open();
      await ask(first, 'apple please');
      const long = await interrupted(first, 'a long one');
      assert.is(long.outcome, 'interrupted');
      const { sessionId } = await first.seen.type('session');
      await ask(first, 'banana please');
      const copy = harness.open({ resume: sessionId, fork: true, forkAt: long.point });
      assert.is((await ask(copy, 'cherry please')).outcome, 'done');
      const said = harness.stub.requests.at(-1)!.conversation!;
      assert.match(said, 'a long one');
      assert.not.match(said, 'anana');
    } finally {
      await harness.close();
    }
  });

  test(`${name}: a place that is not in the session is a sentence, and no copy of the whole`, async () => {
    const harness = await create(SCENARIO);
    try {
      const first = harness.open();
      await ask(first, 'apple please');
      const { sessionId } = await first.seen.type('session');
      const asked = harness.stub.requests.length;
      const copy = harness.open({ resume: sessionId, fork: true, forkAt: '99999999-2222-4333-8444-555555555555' });
      copy.session.send({ id: crypto.randomUUID(), text: 'cherry please', images: [] });
      const exit = await copy.seen.type('exit');
      assert.is(exit.expected, false);
      assert.match(exit.text, /99999999/);
      assert.is(harness.stub.requests.length, asked);
    } finally {
      await harness.close();
    }
  });
}

test.run();
