import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { english } from '../../ui/i18n/en/english.ts';
import { merged, untranslated } from '../../ui/i18n/en/translation.ts';
import { zh } from '../../ui/i18n/zh.ts';

test('Chinese has every text', () => {
  assert.equal(untranslated(english, zh), []);
});

/** Names that are the same in every language. */
const NAMES =
  /Agent Monitor|Agent Client Protocol|Claude( Code)?|Codex|Gemini|OpenCode|OpenCLI|Qwen|Copilot|Kimi|Chrome|WhatsApp|Slack|Telegram|ntfy|webhook|WebSocket|Markdown|JSON|MCP|CLI|AI|IDs?|IP|https?|npm|ci|git|gh|log|shell|Shell|PATH|NAME|value|my-agent|acp|RELAY_PASSWORD|RELAY_TOKEN|localhost|CLAUDE|AGENTS|md|skills|claude|agents|Read|Bash|Esc|Tab|Ctrl|Alt|Home|End|\b[BKMjkadngvC]\b/g;

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function') return texts(value(['1'], ['1'], ['1']));
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

test('no English word is left in Chinese, but for names', () => {
  const { continueMessage: _said, ...agent } = zh.agent!;
  const { suggestion: _listed, ...changes } = zh.changes!;
  const { direction: _ofLines, ...words } = zh;
  const left = texts({ ...words, agent, changes }).filter((text) => /[A-Za-z]{2,}/.test(text.replace(NAMES, '')));
  assert.equal(left, []);
});

test('what is not translated is said in English, and nothing of the original is changed', () => {
  const original = { a: 'A', b: { c: 'C', d: (n: number) => `${n} D` }, list: ['x', 'y'] };
  const result = merged(original, { b: { c: 'c' }, list: ['z'] });
  assert.is(result.a, 'A');
  assert.is(result.b.c, 'c');
  assert.is(result.b.d(2), '2 D');
  assert.equal(result.list, ['z']);
  assert.is(original.b.c, 'C');
  assert.equal(untranslated(original, { b: { c: 'c' }, list: [] }), ['a', 'b.d']);
});

test.run();
