import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isUnread, select } from '../../ui/agent/agent-view.ts';
import { markdownOf } from '../../ui/chat/markdown-export.ts';
import { matching } from '../../ui/desk/palette-items.ts';
import type { PaletteItem } from '../../ui/desk/palette-items.ts';
import type { MachineEntry } from '../../core/api/machines.ts';
import { grouping, groupings, inGroups, nextGrouping, setGrouping, storedGrouping } from '../../ui/agent/grouping.ts';
import type { App, Placed } from '../../ui/app.ts';
import { deviceStorage } from '../../ui/device-storage.ts';
import { signal } from '../../ui/state/signal.ts';
import { agent, conversation, messages, text } from '../support/fakes/ui-data.ts';

const HOUR = 3_600_000;
const names = (list: Parameters<typeof agent>[0][], filter: Parameters<typeof select>[1] = 'all') =>
  select(list.map(agent), filter, '').map(({ id }) => id);

test('what needs me comes first, then what is pinned, then fresh failures; an old failure is like any other', () => {
  const list: Parameters<typeof agent>[0][] = [
    { id: 'old', state: 'error', stateSince: Date.now() - 24 * HOUR, activeAt: 1 },
    { id: 'idle', state: 'idle', activeAt: 2 },
    { id: 'works', state: 'running' },
    { id: 'fresh', state: 'error', stateSince: Date.now() },
    { id: 'pinned', state: 'stopped', pinned: true },
    { id: 'asks', state: 'waiting_input', pending: ['m1'] },
  ];
  assert.equal(names(list), ['asks', 'pinned', 'fresh', 'works', 'idle', 'old']);
});

test('what is archived is shown there only, unless it needs me', () => {
  const list = [
    { id: 'a', archivedAt: 5 },
    { id: 'b', archivedAt: 5, state: 'waiting_input', pending: ['m1'] },
    { id: 'c' },
  ] as Parameters<typeof agent>[0][];
  assert.equal(names(list), ['b', 'c']);
  assert.equal(names(list, 'archived').sort(), ['a', 'b']);
  assert.equal(names(list, 'idle'), ['c']);
});

test('unread is what was said since somebody looked, once it is over', () => {
  const read = (part: object) => isUnread(agent({ id: 'a', lastSeq: 5, ...part }));
  assert.equal([read({}), read({ seenSeq: 5 }), read({ seenSeq: 4 }), read({ seenSeq: 0 })], [
    false,
    false,
    true,
    true,
  ]);
  assert.is(read({ seenSeq: 4, state: 'running' }), false);
});

/** Two machines, of which agents have the same folder. */
const fleet = {
  apps: signal([{ machine: 'm1' }, { machine: 'm2' }] as unknown as App[]),
  machines: signal([{ id: 'm1', name: 'laptop' }, { id: 'm2', name: 'server' }] as MachineEntry[]),
};
const onMachine = (id: string, directory: string, machine: string) =>
  ({ ...agent({ id, directory }), key: id, app: { machine } }) as unknown as Placed;
const shown = (groups: ReturnType<typeof inGroups>) =>
  groups.map(({ title, agents }) => `${title}: ${agents.map(({ id }) => id).join(' ')}`);

test('the list in groups: by folder, by machine, in the order of their first agents; one folder on two machines is two', () => {
  const agents = [
    onMachine('a', '/p/shop', 'm2'),
    onMachine('b', '/p/site', 'm1'),
    onMachine('c', '/p/shop', 'm1'),
    onMachine('d', '/p/shop', 'm2'),
  ];
  assert.equal(shown(inGroups(agents, 'none', fleet)), [': a b c d']);
  assert.equal(shown(inGroups(agents, 'machine', fleet)), ['server: a d', 'laptop: b c']);
  assert.equal(shown(inGroups(agents, 'folder', fleet)), [
    '/p/shop · server: a d',
    '/p/site · laptop: b',
    '/p/shop · laptop: c',
  ]);
  const single = { ...fleet, apps: signal([{ machine: '' }] as unknown as App[]) };
  assert.equal(shown(inGroups(agents, 'machine', single)), [': a b c d'], 'one machine is no group');
  assert.equal([groupings(single).length, groupings(fleet).length], [2, 3]);
});

test('how the list is grouped is kept on the device, also as an earlier version wrote it', () => {
  assert.is(grouping.value, 'none');
  setGrouping(nextGrouping(fleet));
  assert.equal([grouping.value, deviceStorage.getItem('dashboard.groups')], ['folder', 'folder']);
  for (const [value, read] of [['on', 'folder'], ['off', 'none'], ['machine', 'machine'], ['x', 'none']] as const) {
    deviceStorage.setItem('dashboard.groups', value);
    assert.is(storedGrouping(), read);
  }
});

const item = (label: string, hint = ''): PaletteItem => ({ id: label, icon: 'agents', label, hint, run() {} });

test('the palette finds every word in any order, what begins with the text first, and never more than fit', () => {
  const items = [item('Fix the cart'), item('Cart totals'), item('Settings', 'Page')];
  const found = (words: string) => matching(items, words).map(({ label }) => label);
  assert.equal(found('cart'), ['Cart totals', 'Fix the cart']);
  assert.equal(found('cart fix'), ['Fix the cart']);
  assert.equal(found('page'), ['Settings']);
  assert.equal(found('nothing'), []);
  assert.is(matching(Array.from({ length: 100 }, (_, i) => item(`x${i}`)), 'x').length, 12);
});

test('a conversation as Markdown has all that was said, in order; no output ends its block early', () => {
  const markdown = markdownOf(agent({ id: 'a', name: 'Totals' }), conversation());
  const order = [
    '# Totals',
    '## You',
    'off by a cent',
    '> Probably floating point',
    '**Grep**',
    '- [x] Find',
    'Good. Run the tests',
  ];
  const places = order.map((words) => markdown.indexOf(words));
  assert.ok(places.every((place, i) => place > (places[i - 1] ?? -1)), String(places));
  const [first] = messages([text('x')]);
  const tool = {
    ...first!,
    kind: 'tool' as const,
    tool: 'Bash',
    title: 'cat `x`',
    input: null,
    inputText: '',
    output: '',
    status: 'done' as const,
    result: { text: 'a\n````\nb', truncated: false },
  };
  assert.match(markdownOf(agent({ id: 'a' }), [tool]), /\n`````\na\n````\nb\n`````\n/);
});

test.run();
