import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { byNeed, countAgents } from '../../core/api/agent-order.ts';
import { select, stateView } from '../../ui/agent/agent-view.ts';
import { count, gist, money, shortPath, took } from '../../ui/format.ts';
import { path } from '../../ui/route.ts';
import { PAGES, resolve } from '../../ui/shell/pages.ts';
import {
  atField,
  bodyOf,
  check,
  edited,
  EMPTY_FORM,
  fromDefaults,
  loadDraft,
  posted,
  splitList,
} from '../../ui/forms/create-form.ts';
import { matching } from '../../ui/chat/commands.ts';
import { answersOf, outcomeOf, parseInput } from '../../ui/chat/answers.ts';
import { countLines, diffRows } from '../../ui/components/diff.ts';
import { span } from '../../ui/components/time-ago.ts';
import { agent, capabilities, diff, messages, permission, question } from '../support/fakes/ui-data.ts';
import type { AgentState } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';

test('addresses resolve to pages and their parameters', () => {
  assert.equal(resolve('/agents/a%2Fb/chat').params, { id: 'a/b', tab: 'chat' });
  assert.is(resolve('/').page, PAGES[0]);
  assert.is(resolve('/agents/%zz').page.path, '');
  assert.is(resolve('/nothing/here').page.path, '');
  assert.is(path`/api/agents/${'../x'}/stop`, '/api/agents/..%2Fx/stop');
});

test('who needs the user comes first, the longest waiting before the others', () => {
  const list = [
    agent({ id: 'stopped', state: 'stopped', activeAt: 99 }),
    agent({ id: 'running', state: 'running' }),
    agent({ id: 'waits2', state: 'waiting_input', stateSince: 20 }),
    agent({ id: 'error', state: 'error' }),
    agent({ id: 'waits1', state: 'waiting_input', stateSince: 10 }),
    agent({ id: 'idle', state: 'idle' }),
  ];
  assert.equal(list.sort(byNeed).map(({ id }) => id), ['waits1', 'waits2', 'error', 'running', 'idle', 'stopped']);
});

test('every state has an icon, a tone and a word of its own', () => {
  const states: AgentState[] = ['starting', 'running', 'waiting_input', 'idle', 'stopped', 'error'];
  const words = states.map((state) => stateView({ state, stateReason: 'created' }).text);
  assert.is(new Set(words).size, states.length);
  assert.is(stateView({ state: 'stopped', stateReason: 'interrupted' }).text, 'Interrupted by restart');
  const { tone, icon } = stateView({ state: 'idle', stateReason: 'interrupted_by_user' });
  assert.equal([tone, icon], ['neutral', 'stop'], 'what was interrupted is not done');
});

test('filters and search narrow the list', () => {
  const list = [agent({ id: 'a', name: 'Alpha', state: 'running' }), agent({ id: 'b', name: 'Beta', pending: ['x'] })];
  assert.equal(select(list, 'waiting', '').map(({ id }) => id), ['b']);
  assert.equal(select(list, 'all', 'alp shop').map(({ id }) => id), ['a']);
  assert.is(countAgents(list).active, 1);
});

test('the form sends only what was filled in', () => {
  assert.equal(bodyOf({ ...EMPTY_FORM, directory: ' /srv/x ', clientId: 'c' }), {
    directory: '/srv/x',
    provider: 'claude',
    clientId: 'c',
    flags: { permissionMode: 'default', worktree: true },
  });
  const full = bodyOf({
    ...EMPTY_FORM,
    directory: '/x',
    allowedTools: 'Read, Bash(git log:*, -n 5)\nEdit',
    maxBudgetUsd: '2,50',
    resume: 'id',
    forkSession: true,
    chrome: true,
    fullAuto: true,
  });
  assert.equal(full.flags, {
    permissionMode: 'default',
    worktree: true,
    allowedTools: ['Read', 'Bash(git log:*, -n 5)', 'Edit'],
    maxBudgetUsd: 2.5,
    resume: 'id',
    forkSession: true,
    chrome: true,
  });
});

test('bad input is named at its field', () => {
  const form = { ...EMPTY_FORM, directory: '/x' };
  assert.equal(Object.keys(check({ ...form, directory: ' ' })), ['directory']);
  assert.equal(Object.keys(check({ ...form, model: '--dangerous' })), ['model']);
  assert.equal(Object.keys(check({ ...form, resume: '-x' })), ['resume']);
  assert.equal(Object.keys(check({ ...form, maxBudgetUsd: 'much' })), ['maxBudgetUsd']);
  assert.equal(Object.keys(check({ ...form, adminEmail: 'nobody' })), ['adminEmail']);
  assert.equal(Object.keys(check({ ...form, slackWebhookUrl: 'http://x' })), ['slackWebhookUrl']);
  assert.equal(Object.keys(check({ ...form, addDirs: '/a, -b' })), ['addDirs']);
  assert.equal(check(form), {});
  assert.equal(atField({ message: '"directory" must be a folder that exists.', field: 'directory' }), {
    directory: 'Must be a folder that exists.',
  });
  assert.equal(atField({ message: '"flags.allowedTools[0]" must be short.', field: '' }), {
    allowedTools: 'Must be short.',
  });
  assert.equal(atField({ message: 'Something else.', field: '' }), { form: 'Something else.' });
});

test('what only Claude has is not asked of Codex', () => {
  const form = { ...EMPTY_FORM, directory: '/x', maxBudgetUsd: '5', allowedTools: 'Read', chrome: true };
  assert.is(bodyOf(form).flags!.maxBudgetUsd, 5);
  assert.equal(bodyOf({ ...form, provider: 'codex' }).flags, { permissionMode: form.mode, worktree: true });
});

test('a draft of another version or with broken JSON does not break the form', () => {
  const from = (text: string) => loadDraft({ getItem: () => text });
  assert.is(from('{broken').directory, undefined);
  const draft = from(JSON.stringify({ directory: 5, prompt: 'kept', unknown: 1, more: 'yes' }));
  assert.equal([draft.directory, draft.prompt, draft.more], [undefined, 'kept', undefined]);
});

test('a form keeps its id from being posted until it is changed', () => {
  assert.is(loadDraft({ getItem: () => null }).clientId, undefined);
  const sent = posted({ ...EMPTY_FORM, directory: '/x' });
  assert.ok(sent.clientId);
  assert.is(posted(sent).clientId, sent.clientId);
  assert.is(edited(sent, { more: true }).clientId, sent.clientId);
  const other = posted(edited(sent, { prompt: 'Something else' }));
  assert.is.not(other.clientId, sent.clientId);
});

test('the form begins with the defaults of the settings', () => {
  const flags = { permissionMode: 'plan' as const, addDirs: ['/a', '/b'], worktree: false };
  assert.equal(fromDefaults({ provider: 'codex', model: 'gpt-5', flags }), {
    provider: 'codex',
    model: 'gpt-5',
    mode: 'plan',
    worktree: false,
    addDirs: '/a, /b',
  });
  assert.equal(fromDefaults({ provider: 'claude', model: '', flags: {} }), {});
});

test('lists split at commas and lines, not inside brackets', () => {
  assert.equal(splitList('a, b\nc,,\n'), ['a', 'b', 'c']);
  assert.equal(splitList('Bash(a, b), Read'), ['Bash(a, b)', 'Read']);
});

test('commands match by their beginning, then by what they contain, until a space', () => {
  const names = (text: string) => matching(text, capabilities.commands).map(({ name }) => name);
  assert.equal(names('/c'), ['clear', 'compact']);
  assert.equal(names('/act'), ['compact']);
  assert.equal(names('/clear '), []);
  assert.equal(names('hello /c'), []);
});

test('answers are complete before they can be sent', () => {
  const { questions } = messages([question()])[0] as RequestMessage;
  const none = { labels: [], other: '', isOther: false };
  assert.is(answersOf(questions, {}), null);
  assert.is(answersOf(questions, { q0: { ...none, labels: ['SQLite'] } }), null);
  assert.equal(
    answersOf(questions, {
      q0: { ...none, other: ' MySQL ', isOther: true },
      q1: { ...none, labels: ['Backups', 'Metrics'] },
    }),
    {
      q0: ['MySQL'],
      q1: ['Backups', 'Metrics'],
    },
  );
});

test('an edited input must be a JSON object', () => {
  assert.equal(parseInput('{"command":"ls"}'), { command: 'ls' });
  for (const bad of ['{', '[]', 'null', '"x"', '1']) assert.type(parseInput(bad), 'string');
});

test('a request that is over says how it ended', () => {
  const over = (part: Partial<RequestMessage>) => outcomeOf(messages([permission(part)])[0] as RequestMessage).text;
  const by = { clientId: 'c', by: 'x', at: 1 };
  assert.is(over({ status: 'decided', decision: { ...by, decision: 'deny' } }), 'Denied');
  assert.is(over({ status: 'decided', decision: { ...by, decision: 'rule:0' } }), 'Always allow Bash(npm test:*)');
  assert.is(over({ status: 'expired' }), 'Expired: the agent ended first');
  const cutOff = over({ status: 'expired', decision: { ...by, decision: 'allow' } });
  assert.is(cutOff, 'Allowed once, but the agent ended first');
  assert.is(over({ status: 'answered', decision: { ...by, decision: 'allow' } }), 'Allowed once');
  assert.is(over({ status: 'answered', decision: { ...by, decision: 'answer' } }), 'Answered');
  assert.match(over({ status: 'decided', decision: { ...by, decision: 'allow', input: {} } }), /edited/);
});

test('diffs carry the line numbers of both sides', () => {
  assert.equal(diffRows(diff).slice(1, 5).map((row) => [row.kind, row.old, row.new]), [
    ['same', '14', '14'],
    ['del', '15', ''],
    ['add', '', '15'],
    ['add', '', '16'],
  ]);
  assert.equal(countLines(diff), { added: 3, removed: 1 });
});

test('numbers are short', () => {
  assert.equal([money(null), money(0), money(0.0042), money(12.4)], ['', '', '< 1 ¢', '$12.40']);
  assert.equal([count(950), count(12_340), count(999_999), count(1_200_000)], ['950', '12.3k', '1M', '1.2M']);
  assert.equal([took(840), took(12_400), took(185_000), took(7_500_000)], ['< 1 s', '12 s', '3 min 5 s', '2 h 5 min']);
  assert.equal([span(59_000), span(60_000), span(7_200_000), span(-5)], ['59 s', '1 min', '2 h', '0 s']);
  assert.equal([shortPath('/a/b'), shortPath('/home/me/projects/shop')], ['/a/b', '…/projects/shop']);
});

test('a line of markdown is told without its marks; code keeps them', () => {
  assert.is(gist('# **Done.** See [the log](https://x.example/a)'), 'Done. See the log');
  assert.is(gist('Bash: echo "2 ** 3" `date` a[0] (b)'), 'Bash: echo "2 ** 3" `date` a[0] (b)');
});

test.run();
