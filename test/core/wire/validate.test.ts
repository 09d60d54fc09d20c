import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  parseCreateAgent,
  parseDecision,
  parseFlags,
  parseLiveCommand,
  parseSendMessage,
  TEXT_LIMIT,
  WireError,
} from '../../../core/wire/validate.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const refused = (action: () => unknown, pattern: string) => {
  try {
    action();
  } catch (error) {
    assert.instance(error, WireError);
    assert.match((error as Error).message, pattern);
    return;
  }
  assert.unreachable(`not refused: ${pattern}`);
};

test('unknown fields are dropped, null is the same as absent', () => {
  assert.equal(parseCreateAgent({ directory: '/x', name: null, evil: 1, flags: { evil: 2 } }), {
    directory: '/x',
    flags: {},
  });
});

test('the prototype is never read nor written', () => {
  const body = JSON.parse('{"directory":"/x","__proto__":{"prompt":"p"},"constructor":{"prototype":{"y":1}}}');
  assert.equal(Object.keys(parseCreateAgent(body)), ['directory']);
  refused(() => parseCreateAgent(Object.create({ directory: '/x' })), 'directory');
  assert.is(({} as { y?: number }).y, undefined);
});

test('each wrong type names its field', () => {
  refused(() => parseCreateAgent([]), 'body');
  refused(() => parseCreateAgent({}), 'directory');
  refused(() => parseCreateAgent({ directory: '  ' }), 'directory');
  refused(() => parseCreateAgent({ directory: '/x', provider: 'gpt' }), 'claude, codex');
  refused(() => parseCreateAgent({ directory: '/x', clientId: 'x' }), 'UUID');
  refused(() => parseCreateAgent({ directory: '/x\0' }), 'NUL');
  refused(() => parseCreateAgent({ directory: '/x', prompt: 'x'.repeat(TEXT_LIMIT + 1) }), 'prompt');
  parseCreateAgent({ directory: '/x', prompt: 'x'.repeat(TEXT_LIMIT) });
});

test('tool lists may be one text; commas within parentheses belong to the tool', () => {
  assert.equal(parseFlags({ allowedTools: 'Read, Bash(git log, git diff),Edit' }, 'flags').allowedTools, [
    'Read',
    'Bash(git log, git diff)',
    'Edit',
  ]);
  assert.equal(parseFlags({ allowedTools: '' }, 'flags').allowedTools, []);
});

test('no flag value can be read as an option', () => {
  for (
    const flags of [{ model: '-p' }, { model: '  --help' }, { allowedTools: 'Read,--x' }, { addDirs: ['-x'] }, {
      resume: '-c',
    }, { mcpConfig: '--' }]
  ) {
    refused(() => parseFlags(flags, 'flags'), 'begin with "-"');
  }
});

test('a message has a text or an image', () => {
  refused(() => parseSendMessage({ text: ' ' }), 'text');
  assert.equal(parseSendMessage({ images: [{ mediaType: 'image/png', data: 'aGk=' }] }).text, '');
  refused(() => parseSendMessage({ text: 'x', images: [{ mediaType: 'image/svg+xml', data: 'aGk=' }] }), 'mediaType');
  refused(() => parseSendMessage({ text: 'x', images: [{ mediaType: 'image/png', data: '<svg>' }] }), 'base64');
  refused(
    () => parseSendMessage({ text: 'x', images: Array(9).fill({ mediaType: 'image/png', data: 'aGk=' }) }),
    'at most 8',
  );
});

test('a decision without an id gets one', () => {
  assert.is(parseDecision({ decision: 'allow' }, () => ID).clientId, ID);
  refused(() => parseDecision({}, () => ID), 'decision');
  refused(() => parseDecision({ decision: 'allow', answers: { q: 'x' } }, () => ID), 'answers');
  refused(() => parseDecision({ decision: 'allow', input: [] }, () => ID), 'input');
});

test('commands of the live feed', () => {
  assert.equal(parseLiveCommand({ type: 'hello', x: 1 }), { type: 'hello', watch: [] });
  assert.equal(parseLiveCommand({ type: 'hello', epoch: 'e', last: 5, watch: [{ agent: 'a', limit: 10 }] }), {
    type: 'hello',
    epoch: 'e',
    last: 5,
    watch: [{ agent: 'a', limit: 10 }],
  });
  refused(() => parseLiveCommand({ type: 'hello', last: -1 }), 'last');
  refused(() => parseLiveCommand({ type: 'hello', watch: Array(101).fill({ agent: 'a' }) }), 'watch');
  refused(() => parseLiveCommand({ type: 'watch' }), 'agent');
  refused(() => parseLiveCommand({ type: 'constructor' }), 'type');
  refused(() => parseLiveCommand(null), 'object');
});

test.run();
