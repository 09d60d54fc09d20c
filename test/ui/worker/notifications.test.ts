/** What is shown, what is taken away, and what a tap does, on a scripted browser. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PushPayload } from '../../../core/api/push.ts';
import type { DecisionOutcome, DecisionQueue, PendingDecision } from '../../../ui/worker/decisions.ts';
import { flushDecisions, onClick, onPush, SYNC_TAG } from '../../../ui/worker/notifications.ts';
import type { ShowOptions, WorkerScope } from '../../../ui/worker/scope.ts';
import { SettledRequests } from '../../../ui/worker/settled-requests.ts';
import { notifications as english } from '../../../ui/i18n/en/notifications.ts';
import { notifications as chinese } from '../../../ui/i18n/zh/notifications.ts';
import { chosenWords } from '../../../ui/worker/words.ts';
import { keepOnly, MAX_AGENT_REQUESTS } from '../../../ui/worker/shown.ts';

type Shown = { title: string; closed: boolean } & ShowOptions;

interface BrowserOptions {
  visible?: boolean;
  open?: boolean;
  /** What was chosen on the page; the browser's own. */
  language?: string;
  languages?: string[];
}

function browser(options: BrowserOptions = {}) {
  const seen = {
    all: [] as Shown[],
    opened: [] as string[],
    posted: [] as unknown[],
    synced: [] as string[],
    decided: [] as object[],
    badge: 0,
  };
  let outcome: DecisionOutcome = { kind: 'done', decision: 'allow', by: 'this phone', mine: true };
  const current = () => seen.all.filter((entry) => !entry.closed);
  const page = {
    url: 'https://relay.example/#/agents',
    visibilityState: options.visible ? 'visible' as const : 'hidden' as const,
    focus: () => Promise.resolve(page),
    postMessage: (message: unknown) => void seen.posted.push(message),
  };
  const scope = {
    location: { origin: 'https://relay.example' },
    navigator: { setAppBadge: (count: number) => Promise.resolve(void (seen.badge = count)) },
    registration: {
      showNotification(title: string, shown: ShowOptions) {
        for (const entry of current()) if (entry.tag === shown.tag) entry.closed = true;
        seen.all.push({ title, closed: false, ...shown });
        return Promise.resolve();
      },
      getNotifications: ({ tag }: { tag?: string } = {}) =>
        Promise.resolve(
          current().filter((entry) => !tag || entry.tag === tag)
            .map((entry) => ({ tag: entry.tag, data: entry.data, close: () => void (entry.closed = true) })),
        ),
      sync: { register: (tag: string) => Promise.resolve(void seen.synced.push(tag)) },
    },
    clients: {
      matchAll: () => Promise.resolve(options.open || options.visible ? [page] : []),
      openWindow: (url: string) => Promise.resolve(void seen.opened.push(url)).then(() => null),
    },
  } as unknown as WorkerScope;
  const queue = {
    decide: (tap: object) => Promise.resolve(seen.decided.push(tap)).then(() => outcome),
    flush: () =>
      Promise.resolve([{ decision: { agent: 'a1', request: 'r1', title: 'T' } as PendingDecision, outcome }]),
  } as unknown as DecisionQueue;
  const values = new Map<string, unknown>();
  const settled = new SettledRequests({
    get: (key) => Promise.resolve(values.get(key)),
    set: (key, value) => Promise.resolve(void values.set(key, value)),
  });
  const store = { get: () => Promise.resolve(options.language), set: () => Promise.resolve() };
  const words = () => chosenWords(store, options.languages ?? ['en-GB']);
  const parts = { scope, queue, settled, words, sleep: () => Promise.resolve() };
  return { seen, current, parts, answerWith: (next: DecisionOutcome) => void (outcome = next) };
}

const MORE = english.moreRequests;

const REQUEST: PushPayload = {
  type: 'request',
  agent: 'a1',
  request: 'r1',
  title: 'Fix asks',
  body: 'npm test',
  actions: true,
  at: 5,
};
const click = (there: ReturnType<typeof browser>, action: string) => {
  const { tag, data } = there.current().at(-1)!;
  const notification = { tag, data, close: () => void (there.current().at(-1)!.closed = true) };
  return onClick(there.parts, { action, notification, waitUntil: () => {} });
};

test('a request that is seen whole can be answered there; else it must be reviewed', async () => {
  const there = browser();
  await onPush(there.parts, REQUEST);
  assert.equal(there.current()[0]!.actions!.map(({ action }) => action), ['allow', 'deny']);
  await onPush(there.parts, { ...REQUEST, request: 'r2', actions: false });
  assert.equal(there.current()[1]!.actions!.map(({ action }) => action), ['review']);
});

test('nothing is shown while the page is looked at, but a test always is', async () => {
  const there = browser({ visible: true });
  await onPush(there.parts, REQUEST);
  assert.is(there.seen.all.length, 0);
  await onPush(there.parts, { type: 'test', title: 'It works', body: '', at: 1 });
  assert.is(there.seen.all.length, 1);
});

test('answered elsewhere: the notification says so without a sound and goes away', async () => {
  const there = browser();
  await onPush(there.parts, REQUEST);
  await onPush(there.parts, { type: 'settled', agent: 'a1', request: 'r1', title: 'Allowed on laptop', at: 6 });
  const last = there.seen.all.at(-1)!;
  assert.equal([last.title, last.silent, last.closed], ['Allowed on laptop', true, true]);
  assert.equal(there.current(), []);
});

for (const action of ['allow', 'deny']) {
  test(`a tap on ${action} decides, says so, and goes away`, async () => {
    const there = browser();
    await onPush(there.parts, REQUEST);
    await click(there, action);
    assert.equal(there.seen.decided, [{ agent: 'a1', request: 'r1', title: 'Fix asks', decision: action }]);
    assert.is(there.seen.all.at(-1)!.body, 'Allowed.');
    assert.equal(there.current(), []);
  });
}

for (
  const [outcome, expected] of [
    [{ kind: 'done', decision: 'deny', by: 'laptop', mine: false }, 'Already denied by laptop.'],
    [{ kind: 'gone' }, 'Too late: the agent no longer asks.'],
    [{ kind: 'later' }, 'No network: it is sent as soon as there is one.'],
    [{ kind: 'login' }, 'Not sent: log in on this device, then it is sent.'],
    [{ kind: 'refused', text: 'No such choice.', status: 400 }, 'No such choice.'],
  ] as [DecisionOutcome, string][]
) {
  test(`a tap that ${outcome.kind}: ${expected}`, async () => {
    const there = browser();
    there.answerWith(outcome);
    await onPush(there.parts, REQUEST);
    await click(there, 'allow');
    assert.is(there.seen.all.at(-1)!.body, expected);
    // What is over takes itself away; what still waits, or went wrong, stays to be read.
    assert.is(there.current().length, ['done', 'gone'].includes(outcome.kind) ? 0 : 1);
    assert.equal(there.seen.synced, outcome.kind === 'later' ? [SYNC_TAG] : []);
  });
}

test('a tap on the notification opens the one card, in the window that is open already', async () => {
  const closed = browser();
  await onPush(closed.parts, REQUEST);
  await click(closed, '');
  assert.equal(closed.seen.opened, ['/#/answer/a1/r1']);
  const open = browser({ open: true });
  await onPush(open.parts, { ...REQUEST, actions: false });
  await click(open, 'review');
  assert.equal([open.seen.opened, open.seen.posted], [[], [{ type: 'open', path: '/#/answer/a1/r1' }]]);
  assert.equal(open.seen.decided, []);
});

test('what no version knows is shown as something, for a browser wants to see a notification', async () => {
  for (const value of [null, 'x', {}, { type: 'later-version' }]) {
    const there = browser();
    await onPush(there.parts, value);
    assert.is(there.current()[0]!.title, 'Something needs you');
    await click(there, 'allow');
    assert.equal([there.seen.decided, there.seen.opened], [[], ['/']]);
  }
});

test('what was sent later says what became of it', async () => {
  const there = browser();
  there.answerWith({ kind: 'done', decision: 'allow', by: 'laptop', mine: false });
  await flushDecisions(there.parts);
  assert.is(there.seen.all.at(-1)!.body, 'Already allowed by laptop.');
});

test('a request that comes after its own end is not asked again', async () => {
  const there = browser();
  await onPush(there.parts, { type: 'settled', agent: 'a1', request: 'r1', title: 'Allowed on laptop', at: 6 });
  await onPush(there.parts, REQUEST);
  assert.equal(there.current(), []);
  assert.equal(there.seen.all.map(({ silent, actions }) => [silent, actions]), [[true, undefined], [true, undefined]]);
  await onPush(there.parts, { ...REQUEST, request: 'r2' });
  assert.is(there.current().length, 1);
});

test('of one agent a few requests stand by themselves, the others in one; each end takes its own away; the badge counts', async () => {
  const there = browser();
  await onPush(there.parts, { type: 'agent', agent: 'a1', title: 'Fix is done', body: '', at: 1 });
  const ids = Array.from({ length: MAX_AGENT_REQUESTS + 2 }, (_, i) => `r${i}`);
  for (const request of ids) await onPush(there.parts, { ...REQUEST, request });
  await onPush(there.parts, { ...REQUEST, agent: 'a2', request: 'other' });
  const tags = () => there.current().map(({ tag }) => tag).sort();
  const own = ids.slice(0, MAX_AGENT_REQUESTS).map((id) => `request a1 ${id}`);
  assert.equal(tags(), ['group a1', ...own, 'request a2 other'].sort());
  assert.is(there.current().find(({ tag }) => tag === 'group a1')!.body, '2 more requests');
  assert.is(there.seen.badge, ids.length + 1);
  const end = (request: string) =>
    onPush(there.parts, { type: 'settled', agent: 'a1', request, title: 'Allowed', at: 6 });
  await end(ids[0]!);
  await end(ids.at(-1)!);
  assert.is(there.current().find(({ tag }) => tag === 'group a1')!.body, '1 more request');
  await end(ids.at(-2)!);
  assert.equal(tags(), [...own.slice(1), 'request a2 other'].sort());
  assert.is(there.seen.badge, MAX_AGENT_REQUESTS);
});

test('a page that knows what waits takes all others away', async () => {
  const there = browser();
  const ids = Array.from({ length: MAX_AGENT_REQUESTS + 2 }, (_, i) => `r${i}`);
  for (const request of ids) await onPush(there.parts, { ...REQUEST, request });
  await onPush(there.parts, { type: 'agent', agent: 'a2', title: 'Other is done', body: '', at: 1 });
  await keepOnly(there.parts.scope, new Set([`a1 ${ids[1]}`, `a1 ${ids.at(-1)}`]), new Set(['']), MORE);
  assert.equal(there.current().map(({ tag }) => tag).sort(), ['agent a2', 'group a1', `request a1 ${ids[1]}`]);
  await keepOnly(there.parts.scope, new Set(), new Set(['']), MORE);
  assert.equal(there.current().map(({ tag }) => tag), ['agent a2']);
});

test('in the quiet hours it is shown without a sound', async () => {
  const there = browser();
  await onPush(there.parts, { ...REQUEST, quiet: true });
  assert.equal([there.current()[0]!.silent, there.current()[0]!.renotify], [true, false]);
  await onPush(there.parts, REQUEST);
  assert.equal([there.current()[0]!.silent, there.current()[0]!.renotify], [false, true]);
});

test('no machine touches the notifications of another, and a tap goes to its own', async () => {
  const there = browser();
  await onPush(there.parts, { ...REQUEST, machine: 'aaaaaa' });
  await onPush(there.parts, { ...REQUEST, machine: 'bbbbbb' });
  await onPush(there.parts, { ...REQUEST, machine: '../../x' });
  assert.equal(there.current().map(({ title }) => title), ['Fix asks', 'Fix asks', 'Something needs you']);
  await onPush(there.parts, {
    type: 'settled',
    agent: 'a1',
    request: 'r1',
    title: 'Answered',
    at: 6,
    machine: 'bbbbbb',
  });
  await keepOnly(there.parts.scope, new Set(), new Set(['bbbbbb']), MORE);
  assert.is(there.current().filter(({ title }) => title === 'Fix asks').length, 1);
  const left = there.current().find(({ title }) => title === 'Fix asks')!;
  const tapped = (action: string) =>
    onClick(there.parts, { action, notification: { tag: left.tag, data: left.data, close() {} } } as never);
  await tapped('');
  assert.equal(there.seen.opened, ['/#/m/aaaaaa/answer/a1/r1']);
  await tapped('allow');
  assert.is((there.seen.decided[0] as PendingDecision).machine, 'aaaaaa');
  await keepOnly(there.parts.scope, new Set(['/m/aaaaaa/a1 other']), new Set(['aaaaaa']), MORE);
  assert.is(there.current().filter(({ title }) => title === 'Fix asks').length, 0);
});

const CHINESE = { language: 'zh', languages: ['en'] };
const NO_ENGLISH = /[a-z]{3}/i;

test('in the language of the device: title, buttons, outcome, what stands for several', async () => {
  const there = browser(CHINESE);
  const words = { title: { code: 'needs_you', params: { name: '修复' } } } as const;
  await onPush(there.parts, { ...REQUEST, words });
  const [first] = there.current();
  assert.is(first!.title, '修复 需要您');
  assert.is(first!.body, 'npm test', 'what is asked for stays as it is');
  assert.equal(first!.actions!.map(({ title }) => title), ['允许一次', '拒绝']);
  await click(there, 'allow');
  const outcome = there.seen.all.at(-1)!;
  assert.equal([outcome.title, outcome.body], ['修复 需要您', '已允许。']);
  for (let i = 0; i <= MAX_AGENT_REQUESTS; i++) await onPush(there.parts, { ...REQUEST, request: `n${i}`, words });
  assert.match(there.seen.all.at(-1)!.body, /^还有 \d 个请求$/);
  const end = { title: { code: 'allowed', params: { by: 'Safari on iPhone' } } } as const;
  await onPush(there.parts, { type: 'settled', agent: 'a1', request: 'r1', title: 'Allowed by …', at: 6, words: end });
  assert.is(there.seen.all.at(-1)!.title, '已由 iPhone 上的 Safari 允许');
});

test('the page decides, else the browser; a language that there is not is English', async () => {
  const title = async (options: BrowserOptions) => {
    const there = browser(options);
    await onPush(there.parts, 'nothing that is known');
    return there.current()[0]!.title;
  };
  assert.is(await title({ language: 'zh', languages: ['en'] }), chinese.unknown);
  assert.is(await title({ language: 'en', languages: ['zh-CN'] }), english.unknown);
  assert.is(await title({ languages: ['zh-CN', 'en'] }), chinese.unknown);
  assert.is(await title({ languages: ['fr', 'zh-TW'] }), chinese.unknown);
  assert.is(await title({ languages: ['fr'] }), english.unknown);
});

test('codes of a newer machine, or none of an older one: its own words', async () => {
  const payload = { type: 'agent', agent: 'a1', title: 'Fix is done', body: 'All green.', at: 1 } as const;
  for (
    const words of [undefined, {}, { title: { code: 'toString' } }, { title: 'finished' }, { title: { code: 'new' } }]
  ) {
    const there = browser(CHINESE);
    await onPush(there.parts, words ? { ...payload, words } : payload);
    assert.equal([there.current()[0]!.title, there.current()[0]!.body], ['Fix is done', 'All green.']);
  }
});

test('Chinese has every code, and no English word in any', () => {
  const values = { name: '名', provider: '供', minutes: 3, completed: 2, failed: 1, skipped: 1, by: 'this machine' };
  for (const [code, word] of Object.entries(chinese.said)) {
    assert.not.match(word(values), NO_ENGLISH, code);
    assert.not.match(word(values), /undefined/, code);
    assert.not.match(english.said[code as keyof typeof english.said](values), /undefined/, code);
  }
});

test.run();
