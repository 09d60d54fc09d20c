/** What agents and addresses bring in must stay text: checks.md L08 and L09. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agent, diff, messages, permission, text, user } from '../support/fakes/ui-data.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const EVIL = [
  '<img src=x onerror="window.hacked=1">',
  '<script>window.hacked=1</script>',
  '<svg onload="window.hacked=1"><a href="javascript:window.hacked=1">x</a></svg>',
  '[click](javascript:window.hacked=1)',
  '[click](JaVaScRiPt&#58;window.hacked=1)',
  '[data](data:text/html,<script>parent.hacked=1</script>)',
  '![pixel](https://tracker.example/p.png)',
  '<https://ok.example/> and <javascript:window.hacked=1>',
  '<iframe src="https://evil.example"></iframe><object data=x></object><form action=/api/auth/logout><button>go</button></form>',
  '\x1b]52;c;aGFja2Vk\x07\x1b]0;hacked title\x07\x1b]8;;javascript:window.hacked=1\x1b\\link\x1b]8;;\x1b\\',
].join('\n\n');

test('L09: hostile output of an agent stays text everywhere', async () => {
  const hostile = permission({
    tool: EVIL,
    title: EVIL,
    description: EVIL,
    input: { note: EVIL },
    diffs: [{ ...diff, path: EVIL, hunks: [{ ...diff.hunks[0]!, lines: [`+${EVIL}`] }] }],
    choices: [{ id: 'allow', label: EVIL, detail: EVIL, tone: 'allow' }],
  });
  const list = messages([
    user(EVIL),
    text(EVIL),
    { kind: 'thinking', text: EVIL, done: true },
    {
      kind: 'tool',
      tool: EVIL,
      title: EVIL,
      input: { command: EVIL },
      inputText: '',
      output: '',
      status: 'done',
      result: { text: EVIL, truncated: false },
      endedAt: 1,
    },
    { kind: 'todos', todos: [{ text: EVIL, status: 'pending' }] },
    { kind: 'notice', level: 'error', code: 'stderr', text: EVIL, passing: false },
    { kind: 'turn', outcome: 'error', text: EVIL, durationMs: 1, costUsd: null, inputTokens: 1, outputTokens: 1 },
    hostile,
  ]);
  const info = agent({
    id: 'a',
    name: EVIL,
    preview: EVIL,
    directory: EVIL,
    model: EVIL,
    state: 'waiting_input',
    pending: [list.at(-1)!.id],
    stateText: EVIL,
  });
  stage.add(info, list);
  const outside: string[] = [];
  const { page, problems } = await stage.open('/');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  page.on('request', (request) => {
    if (!request.url().startsWith(stage.mock.url)) outside.push(request.url());
  });
  for (const path of ['/', '/agents/a', '/agents/a/details']) {
    await page.goto(`${stage.mock.url}/#${path}`);
    await page.getByText('onerror').first().waitFor();
    for (const button of await page.locator('.tool-head, .fold').all()) await button.click();
    await page.waitForTimeout(200);
    const found = await page.evaluate(() => ({
      hacked: Reflect.get(globalThis, 'hacked'),
      elements:
        document.querySelectorAll('main img, main script, main iframe, main object, main form[action], main svg a')
          .length,
      links: [...document.querySelectorAll('main a')].map((a) => a.getAttribute('href')!),
      handlers: [...document.querySelectorAll('main *')].filter((e) =>
        [...e.attributes].some((a) => a.name.startsWith('on'))
      ).length,
      title: document.title,
    }));
    assert.is(found.hacked, undefined);
    assert.is(found.elements, 0);
    assert.is(found.handlers, 0);
    assert.equal(found.links.filter((href) => !/^(#\/|https:\/\/)/.test(href)), []);
    // The page's name may be an agent's: text, and no more of it than a tab shows.
    // deno-lint-ignore no-control-regex
    assert.match(found.title, /^\(1\) ([^\x00-\x1f\x7f]{1,80} · )?Agent Monitor$/);
  }
  assert.is(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
  assert.equal(outside, []);
  assert.equal(problems, []);
  await page.context().close();
});

test('L09: markdown nested 10,000 deep is shown, and the page goes on working', async () => {
  const deep = ['> '.repeat(10_000), '- '.repeat(10_000), '['.repeat(10_000), '*a'.repeat(10_000), '`'.repeat(9_999)]
    .map((part) => `${part}end`);
  stage.add(agent({ id: 'a' }), messages([text(deep.join('\n\n')), text('still **here**')]));
  const { page, problems } = await stage.open('/agents/a');
  await page.getByText('still here').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).fill('alive');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.bubble').getByText('alive').waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

test('L08: no parameter of the address leads the page to another server', async () => {
  stage.add(agent({ id: 'a' }), messages([text('hello')]));
  const { page } = await stage.open('/');
  const contacted: string[] = [];
  page.on('request', (request) => contacted.push(new URL(request.url()).origin));
  page.on('websocket', (socket) => contacted.push(new URL(socket.url()).origin));
  const evil = 'wss://evil.example';
  for (const name of ['gatewayUrl', 'server', 'url', 'relay', 'host', 'api', 'ws', 'token', 'redirect']) {
    await page.goto(`${stage.mock.url}/?${name}=${evil}#/?${name}=${evil}`);
  }
  await page.goto(`${stage.mock.url}/?gatewayUrl=${evil}#//evil.example/agents/a`);
  await page.goto(`${stage.mock.url}/?gatewayUrl=${evil}#/agents/a`);
  await page.getByText('hello').waitFor();
  const own = new Set([stage.mock.url, stage.mock.url.replace('http', 'ws')]);
  assert.equal(contacted.filter((origin) => !own.has(origin)), []);
  assert.ok(contacted.length > 10);
  await page.context().close();
});

test('addresses of nothing, and of what every object has, are told apart from agents', async () => {
  const { page, problems } = await stage.open('/agents/__proto__');
  await page.getByText('Agent not found').waitFor();
  await page.goto(`${stage.mock.url}/#/%zz/nowhere`);
  await page.getByText('Page not found').waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

test.run();
