import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCreateAgent, parseFlags } from '../../../core/api/agents.ts';
import { parseDecision, parseSendMessage } from '../../../core/api/messages.ts';
import { parseLiveCommand } from '../../../core/api/live.ts';
import { MAX_TEXT, ValidationError } from '../../../core/api/schema.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const refused = (action: () => unknown, pattern: string) => {
  try {
    action();
  } catch (error) {
    assert.instance(error, ValidationError);
    assert.match((error as Error).message, pattern);
    return;
  }
  assert.unreachable(`not refused: ${pattern}`);
};

/** A picture of one pixel, as base64. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=';

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
  refused(() => parseCreateAgent({ directory: '/x', provider: 'GPT 5' }), 'the name of an agent program');
  refused(() => parseCreateAgent({ directory: '/x', clientId: 'x' }), 'UUID');
  refused(() => parseCreateAgent({ directory: '/x\0' }), 'NUL');
  refused(() => parseCreateAgent({ directory: '/x', prompt: 'x'.repeat(MAX_TEXT + 1) }), 'prompt');
  parseCreateAgent({ directory: '/x', prompt: 'x'.repeat(MAX_TEXT) });
});

test("an agent's contacts follow the rules of the settings", () => {
  const body = { directory: '/x', adminEmail: ' me@example.org ', whatsappPhone: 'whatsapp:+49 151 1234567' };
  const { adminEmail, whatsappPhone } = parseCreateAgent({ ...body, slackWebhookUrl: '' });
  assert.equal([adminEmail, whatsappPhone], ['me@example.org', '+491511234567']);
  refused(() => parseCreateAgent({ ...body, adminEmail: 'a@b.c, d@e.f' }), 'one mail address');
  refused(() => parseCreateAgent({ ...body, adminEmail: 'a@b.c\r\nbcc: x@y.z' }), 'one mail address');
  refused(() => parseCreateAgent({ ...body, whatsappPhone: '123' }), 'country code');
  for (const url of ['http://127.0.0.1/', 'file:///etc/passwd', 'https://me:secret@hooks.example/', 'hooks']) {
    refused(() => parseCreateAgent({ ...body, slackWebhookUrl: url }), 'https://');
  }
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
  assert.equal(parseSendMessage({ images: [{ mediaType: 'image/png', data: PNG }] }).text, '');
  refused(() => parseSendMessage({ text: 'x', images: [{ mediaType: 'image/svg+xml', data: PNG }] }), 'mediaType');
  refused(() => parseSendMessage({ text: 'x', images: [{ mediaType: 'image/png', data: '<svg>' }] }), 'base64');
  refused(
    () => parseSendMessage({ text: 'x', images: Array(9).fill({ mediaType: 'image/png', data: PNG }) }),
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

test('the first bytes of a picture decide its type; what is none is refused', () => {
  const base64 = (bytes: string) => Buffer.from(bytes.padEnd(20, '\0'), 'latin1').toString('base64');
  const typeOf = (data: string, mediaType = 'image/png') =>
    parseSendMessage({ text: '', images: [{ mediaType, data }] }).images![0]!.mediaType;
  assert.is(typeOf(PNG, 'image/jpeg'), 'image/png');
  assert.is(typeOf(base64('\xff\xd8\xff\xe0')), 'image/jpeg');
  assert.is(typeOf(base64('GIF89a')), 'image/gif');
  assert.is(typeOf(base64('GIF87a')), 'image/gif');
  assert.is(typeOf(base64('RIFF\x10\0\0\0WEBPVP8 ')), 'image/webp');
  for (const bytes of ['<html>', '<svg xmlns=', 'RIFF\x10\0\0\0WAVEfmt ', 'GIF88a', '%PDF-1.7', 'BM', '\x89PNG']) {
    refused(() => typeOf(base64(bytes)), 'PNG, JPEG, GIF or WebP');
  }
  refused(() => typeOf('aGk='), 'PNG, JPEG, GIF or WebP');
});

test('half a character is refused wherever people write, a whole one is not', () => {
  for (const half of ['a\ud83d', '\ude00b', '\ud83d\ud83d', '\ude00\ud83d']) {
    refused(() => parseSendMessage({ text: half }), 'halves of characters');
    refused(() => parseCreateAgent({ directory: '/x', name: half }), '"name"');
    refused(() => parseCreateAgent({ directory: '/x', prompt: half }), '"prompt"');
    refused(() => parseDecision({ decision: 'deny', message: half }, () => PNG), '"message"');
    refused(() => parseDecision({ decision: 'answer', answers: { q: [half] } }, () => PNG), 'answers.q');
  }
  assert.is(parseSendMessage({ text: 'a😀👨‍👩‍👧b' }).text, 'a😀👨‍👩‍👧b');
});

test.run();
