import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findAgent } from '../../../cli/client/find-agent.ts';
import { CommandError, EXIT } from '../../../cli/exit-codes.ts';

const agents = [
  { id: 'aaaa1111-0000', name: 'Fix login' },
  { id: 'aaaa2222-0000', name: 'fix tests' },
  { id: 'bbbb0000-0000', name: 'aaaa1111-0000' },
  { id: 'cccc0000-0000', name: 'docs' },
  { id: 'dddd0000-0000', name: 'Docs' },
  { id: 'eeee0000-0000', name: 'docs two' },
  { id: 'ffff0000-0000', name: 'do' },
];
const found = (word: string) => findAgent(agents, word).id.slice(0, 4);
function failure(word: string): CommandError {
  try {
    findAgent(agents, word);
  } catch (error) {
    return error as CommandError;
  }
  throw new Error(`"${word}" was found`);
}

test('by the whole id before any name, by the whole name before any beginning', () => {
  assert.is(findAgent(agents, 'aaaa1111-0000').id, 'aaaa1111-0000');
  assert.is(found('docs'), 'cccc');
  assert.is(found('Docs'), 'dddd');
  assert.is(found('do'), 'ffff');
  assert.is(found('FIX LOGIN'), 'aaaa');
});

test('by the beginning of an id or a name', () => {
  assert.is(found('bbbb'), 'bbbb');
  assert.is(found('AAAA2'), 'aaaa');
  assert.is(found('docs t'), 'eeee');
});

test('one that fits several is refused and says which', () => {
  const error = failure('aaaa');
  assert.is(error.exitCode, EXIT.usage);
  assert.match(error.message, 'fits 2 agents');
  assert.match(error.message, 'aaaa1111  Fix login');
  assert.match(error.message, 'aaaa2222  fix tests');
  assert.is(failure('fix').exitCode, EXIT.usage);
  assert.is(failure('DOCS').exitCode, EXIT.usage);
});

test('one that fits none, and one that is empty', () => {
  assert.is(failure('zzz').exitCode, EXIT.notFound);
  assert.is(failure('  ').exitCode, EXIT.usage);
  assert.not.match(failure('\x1b[2J').message, /\x1b/);
});

test.run();
