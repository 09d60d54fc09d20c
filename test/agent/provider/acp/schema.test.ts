/** Every method and update of the protocol's schemas is in a table of SPEC.md: handled, or refused on purpose. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AcpReader } from '../../../../agent/provider/acp/reader.ts';

type Schema = Record<'agent' | 'client' | 'protocol' | 'updates', string[]> & { proxy?: string[] };
const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const { stable, unstable } = JSON.parse(read('../../../vectors/acp/schema-methods.json')) as Record<string, Schema>;
const spec = read('../../../../agent/provider/acp/SPEC.md');

/** The rows of a section's table: name → what is done. */
function tableOf(title: string): Map<string, string> {
  const section = spec.split(/^## /m).find((part) => part.startsWith(title))!;
  return new Map([...section.matchAll(/^\| `([^`]+)` \| (\w+(?: sent)?)/gm)].map((row) => [row[1]!, row[2]!]));
}

const TABLES = [
  ['agent', 'Methods of the agent', ['handled', 'not sent'], ['session/set_model']],
  ['client', 'Methods of the client', ['handled', 'refused', 'ignored'], []],
  ['updates', 'Updates', ['handled', 'ignored'], []],
] as const;

for (const [side, title, words, gone] of TABLES) {
  test(`${title}: the table has each of the schema, no other, and says what is done`, () => {
    const table = tableOf(title);
    const named = new Set([...stable![side], ...unstable![side]]);
    assert.equal(
      [...table.keys()].filter((name) => !(gone as readonly string[]).includes(name)).sort(),
      [...named].sort(),
    );
    for (const [name, word] of table) assert.ok((words as readonly string[]).includes(word), `${name}: ${word}`);
  });
}

test('what either side and proxies may send is named', () => {
  for (const name of [...stable!.protocol, ...unstable!.proxy!]) assert.ok(spec.includes(`\`${name}\``), name);
});

test('updates: what is called handled says something, what is called ignored does not', () => {
  const filled = {
    content: { type: 'text', text: 'x' },
    toolCallId: 'c',
    entries: [{ content: 'x' }],
    availableCommands: [{ name: 'x' }],
    currentModeId: 'plan',
    configOptions: [],
    title: 'x',
    used: 1,
    size: 2,
  };
  for (const [sessionUpdate, word] of tableOf('Updates')) {
    const events: string[] = [];
    const reader = new AcpReader({
      emit: ({ type }) => events.push(type),
      options: () => events.push('options'),
      commands: () => events.push('commands'),
    }, 's');
    reader.read({ sessionUpdate, ...filled });
    const isHandled = events.some((type) => type !== 'activity');
    assert.is(isHandled, word === 'handled', `${sessionUpdate}: ${events}`);
  }
});

test.run();
