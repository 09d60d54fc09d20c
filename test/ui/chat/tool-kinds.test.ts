import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ToolMessage } from '../../../core/api/messages.ts';
import { t } from '../../../ui/i18n/all.ts';
import { relativePath } from '../../../ui/format.ts';
import { countKinds, kindOf, toolName } from '../../../ui/chat/tool-kinds.ts';
import { answerOf } from '../../../ui/chat/copy-answer.ts';
import { messages, text, user } from '../../support/fakes/ui-data.ts';

let ids = 0;
const tool = (name: string, file = '') =>
  ({ id: `t${ids++}`, tool: name, title: file, input: file ? { file_path: file } : {} }) as unknown as ToolMessage;
const sentence = (...tools: ToolMessage[]) =>
  t.tool.summary(countKinds(tools).map(({ kind, count }) => t.tool.did[kind](count)));

test('a run of tools is one sentence, and a file that is read twice is one file', () => {
  assert.is(
    sentence(tool('Read', 'a'), tool('Read', 'b'), tool('Read', 'a'), tool('Bash')),
    'Read 2 files, ran 1 command',
  );
  assert.is(sentence(tool('Write', 'a'), tool('Edit', 'a'), tool('Edit', 'b')), 'Edited 2 files');
  assert.is(
    sentence(tool('Grep'), tool('Grep'), tool('Nobody'), tool('Bash'), tool('Bash')),
    'Searched 2 times, used 1 tool, ran 2 commands',
  );
});

test('a name of JavaScript is not a kind of tool', () => {
  assert.is(kindOf({ tool: 'constructor' }), 'other');
  assert.is(kindOf({ tool: 'toString' }), 'other');
  assert.is(toolName('mcp__github__create_issue'), 'github: create_issue');
  assert.is(toolName('mcp__x'), 'mcp__x');
});

test('paths are seen from the folder; what is not below it stays whole', () => {
  assert.is(relativePath('/home/ada/tree', '/home/ada/tree/src/a.ts'), 'src/a.ts');
  assert.is(relativePath('/home/ada/tree/', '/home/ada/tree/a'), 'a');
  for (
    const path of [
      '/home/ada/treehouse/a',
      '/home/ada/tree',
      '/home/ada/tree/',
      '/home/ada/tree/../x',
      'src/a.ts',
      '/etc/passwd',
    ]
  ) {
    assert.is(relativePath('/home/ada/tree', path), path);
  }
  assert.is(relativePath('', '/a/b'), '/a/b');
  assert.is(relativePath('/', '/etc/passwd'), '/etc/passwd');
  for (const path of ['/home/ada/tree//etc/passwd', '/home/ada/tree/./a', '/home/ada/tree/']) {
    assert.is(relativePath('/home/ada/tree', path), path);
  }
});

test('an answer is all that was said in its turn, and nothing of another or of a subagent', () => {
  const end = {
    kind: 'turn',
    outcome: 'done',
    text: '',
    durationMs: 1,
    costUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
  } as const;
  const list = messages([text('old'), end, user('q'), text('one\n'), text('two'), end, text('next')]);
  assert.is(answerOf(list, 'm6'), 'one\n\ntwo');
  assert.is(answerOf(list, 'm2'), 'old');
  assert.is(answerOf(list, 'gone'), '');
  assert.is(answerOf(list.map((m) => m.id === 'm4' ? { ...m, parent: 'x' } : m), 'm6'), 'two');
});

test.run();
