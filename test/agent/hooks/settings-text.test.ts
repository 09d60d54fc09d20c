import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { hookEntries, isOurs } from '../../../agent/hooks/entries.ts';
import { added, jsonNode, memberOf } from '../../../agent/hooks/json-text.ts';
import { findEntries, parseSettingsText, withEntries, withoutEntries } from '../../../agent/hooks/settings-text.ts';

const target = { command: ['/usr/bin/node', '/opt/agent monitor/cli.mjs', 'hook'], origin: 'http://127.0.0.1:3456' };
const ENTRIES = hookEntries({ ...target, dataDir: "/home/o'neil/data" });

/** Settings as people have them: their indentation, line ends, order, oddities. */
const SHAPES: Record<string, string> = {
  empty: '{}',
  'empty, with lines': '{\n}\n',
  'one member': '{"model":"opus"}',
  'two spaces': '{\n  "model": "opus",\n  "env": {\n    "A": "1"\n  }\n}\n',
  'tabs, no end of line': '{\n\t"model": "opus",\n\t"list": [1, 2, {"a": []}]\n}',
  'windows line ends': '{\r\n  "model": "opus",\r\n  "n": -1.50e+3\r\n}\r\n',
  'hooks of others': `{
  "hooks": {
    "Stop": [
      { "hooks": [{ "type": "command", "command": "say done" }] }
    ],
    "PreToolUse": [{ "matcher": "Bash", "hooks": [] }]
  },
  "model": "opus"
}
`,
  'empty hooks': '{ "hooks": {}, "z": "\\u00e9\\"}{][" }',
  'empty list of an event': '{\n    "hooks": {\n        "Stop": []\n    }\n}\n',
  'one name twice': '{"a": 1, "hooks": {"Stop": []}, "a": 2, "hooks": {"Notification": [ ]}}',
  'all on one line, with spaces': '  { "b" : [ ] , "hooks" : { "PermissionRequest" : [ { "hooks" : [ ] } ] } }  ',
  'numbers that no double holds': '{"n": 12345678901234567890, "hooks": {"SessionEnd": [{"hooks": [], "x": 1e400}]}}',
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Failure).code;
  }
  return '';
}

const valueOf = (text: string) => JSON.parse(text);

for (const [name, text] of Object.entries(SHAPES)) {
  test(`${name}: what is entered is there, beside all else as it was, and goes again`, () => {
    const after = withEntries(text, ENTRIES);
    const { hooks, ...rest } = valueOf(after);
    const { hooks: before = {}, ...others } = valueOf(text);
    assert.equal(rest, others);
    for (const [event, group] of Object.entries(ENTRIES)) {
      assert.equal(hooks[event], [...before[event] ?? [], group], event);
    }
    assert.equal(
      Object.keys(hooks).filter((event) => !(event in ENTRIES)),
      Object.keys(before).filter((event) => !(event in ENTRIES)),
    );
    // Nothing that was there is written another way: its bytes are there in their order.
    let at = 0;
    for (const character of text.replace(/\s/g, '')) at = after.indexOf(character, at) + 1;
    assert.ok(at > 0);
    assert.is(findEntries(after, ENTRIES), 'same');
    assert.is(findEntries(text, ENTRIES), 'none');
    const taken = withoutEntries(after, text);
    assert.equal(valueOf(taken), valueOf(text));
    assert.is(findEntries(taken, ENTRIES), 'none');
    assert.is(withoutEntries(text, text), text, 'nothing is done where nothing of ours is');
  });
}

test('what others have changed since stays; lists that we began go with us', () => {
  const text = '{\n  "model": "opus"\n}\n';
  const edited = withEntries(text, ENTRIES).replace('"opus"', '"sonnet"');
  assert.is(withoutEntries(edited, text), '{\n  "model": "sonnet"\n}\n');
  const theirs = { hooks: [{ type: 'command', command: 'say done' }] };
  const value = valueOf(withEntries(text, ENTRIES));
  value.hooks.Stop.push(theirs);
  value.hooks.Notification[0].hooks.unshift({ type: 'command', command: 'ring' });
  const taken = valueOf(withoutEntries(JSON.stringify(value), text));
  assert.equal(taken, {
    model: 'opus',
    hooks: {
      Notification: [{ matcher: '', hooks: [{ type: 'command', command: 'ring' }] }],
      Stop: [theirs],
    },
  });
});

test('entries of another version, or for another server, are known as ours', () => {
  const other = hookEntries({ ...target, origin: 'http://127.0.0.1:9999', dataDir: '/d' });
  const text = withEntries('{}', other);
  assert.is(findEntries(text, ENTRIES), 'other');
  assert.is(withoutEntries(text, null), '{}');
});

test('what hooks cannot be entered in is refused with a sentence', () => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  for (
    const text of [
      '',
      'null',
      '[]',
      '{"a": 1,}',
      '{"hooks": []}',
      '{"hooks": {"Stop": {}}}',
      '// x\n{}',
      `{"a": ${deep}}`,
    ]
  ) {
    for (const act of [parseSettingsText, (input: string) => withEntries(input, ENTRIES)]) {
      assert.is(codeOf(() => act(text)), 'settings_unusable', text.slice(0, 20));
    }
  }
});

test('positions are right wherever brackets and quotes stand', () => {
  const text = ' {"a]{": "}\\\\\\"," , "b":[ [], {"c":null}, 1.5 ] } ';
  const list = memberOf(jsonNode(text), 'b')!;
  assert.is(text.slice(list.start, list.end), '[ [], {"c":null}, 1.5 ]');
  assert.equal(valueOf(added(text, list, 'x')).b, [[], { c: null }, 1.5, 'x']);
  assert.equal(valueOf(added(text, list.items![0]!, 'x')).b[0], ['x']);
  assert.equal(valueOf(added(text, list.items![1]!, 2, 'd')).b[1], { c: null, d: 2 });
});

test('the command does nothing where the program is gone, and quotes every word', () => {
  const { command } = (ENTRIES.Stop!.hooks as { command: string }[])[0]!;
  assert.is(
    command,
    "[ -e /usr/bin/node ] && [ -e '/opt/agent monitor/cli.mjs' ] || exit 0; cd / && exec /usr/bin/node '/opt/agent monitor/cli.mjs' hook " +
      "--server http://127.0.0.1:3456 --data '/home/o'\\''neil/data' # agent-monitor",
  );
  assert.ok(isOurs({ command }));
  assert.not.ok([null, {}, { command: 'agent-monitor' }, { command: 1 }].some(isOurs));
});

test.run();
