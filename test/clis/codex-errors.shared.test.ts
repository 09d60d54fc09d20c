/** The real Codex when its API fails, when nobody is logged in, and when many sessions run at once. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCodex } from '../../agent/provider/codex/codex.ts';
import { silentLog } from '../../core/log.ts';
import { CODEX_BIN, type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';
import { record } from '../support/fakes/provider-recorder.ts';

const error = (status: number, code: string, message: string) => ({ error: { status, code, message } });
const message = (text: string) => ({ id: text, text, images: [] });

let harness: CodexHarness;
test.before(async () => {
  harness = await codexHarness({
    rules: [
      { match: '^unauthorized', steps: [error(401, 'invalid_api_key', 'Incorrect API key provided')] },
      // Codex tries again only when it is told when.
      {
        match: '^rate once',
        steps: [{
          error: { status: 429, message: 'Slow down', times: 1, headers: { 'retry-after': '1' } },
          text: 'recovered',
        }],
      },
      { match: '^rate', steps: [error(429, 'rate_limit_exceeded', 'Slow down')] },
      { match: '^boom', steps: [error(500, 'server_error', 'boom')] },
      { match: '^cut', steps: [{ text: 'half an answer that is cut', cut: true }] },
      { match: '^bad', steps: [error(400, 'invalid_request_error', 'bad request here')] },
      { match: '^stream', steps: [{ text: 'many words '.repeat(40), chunk: 10, delayMs: 10 }] },
    ],
    default: { text: 'Stub answer.' },
  });
});
test.after(() => harness.close());

for (
  const [prompt, words] of [
    ['unauthorized', /Codex is not logged in\. Run `codex login`/],
    ['rate', /429/],
    ['boom', /high demand|boom/],
    ['bad', /^bad request here$/],
    ['cut', /stream disconnected/],
  ] as const
) {
  test(`${prompt}: the turn ends with a sentence, the session goes on`, async () => {
    const { session, seen } = harness.open();
    session.send(message(prompt));
    const end = await seen.type('turn.end');
    assert.is(end.outcome, 'error');
    assert.match(end.text, words);
    assert.ok(seen.of('notice').filter((notice) => notice.code === 'api_retry').every((notice) => notice.passing));
    assert.is(seen.of('text.start').length, seen.of('text.end').length);
    const from = seen.events.length;
    session.send(message('hello'));
    assert.is((await seen.type('turn.end', from)).outcome, 'done');
    await session.stop();
  });
}

test('a limit that passes is a passing notice', async () => {
  const { session, seen } = harness.open();
  session.send(message('rate once'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.equal(seen.of('notice').map(({ code, passing }) => [code, passing]), [['api_retry', true]]);
  assert.equal(seen.of('text.end').map((event) => event.text), ['recovered']);
  await session.stop();
});

test('nobody is logged in: said at once, not after many retries', async () => {
  const home = join(harness.directory, 'home-without-login');
  const { mkdirSync } = await import('node:fs');
  mkdirSync(home);
  writeFileSync(join(home, 'config.toml'), '');
  const provider = createCodex({ bin: CODEX_BIN, env: { ...harness.env, CODEX_HOME: home }, log: silentLog });
  const seen = record(8000);
  const options = {
    agentId: 'a',
    cwd: harness.project,
    resume: null,
    fork: false,
    flags: {},
    model: '',
    mode: 'default' as const,
    effort: '',
  };
  provider.open(options, seen.emit).send(message('hello'));
  const exit = await seen.type('exit');
  assert.match(exit.text, 'Codex is not logged in');
  await provider.close();
  rmSync(home, { recursive: true, force: true });
});

test('probe tells the version', async () => {
  assert.equal(await harness.provider.probe(), { available: true, version: '0.169.0', demo: false, text: '' });
});

test('eight sessions in one process stream at once without mixing', async () => {
  const all = Array.from({ length: 8 }, () => harness.open());
  all.forEach(({ session }, i) => session.send(message(`stream ${i}`)));
  await Promise.all(all.map(({ seen }) => seen.type('turn.end')));
  assert.is(new Set(all.map(({ session }) => session.pid)).size, 1);
  for (const { seen } of all) {
    assert.is(seen.of('text.delta').map((event) => event.text).join(''), 'many words '.repeat(40));
  }
  await Promise.all(all.map(({ session }) => session.stop()));
});

test.run();
