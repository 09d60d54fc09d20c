import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCreateTask, parsePipelineConfig, parseTask, parseTaskPatch } from '../../../core/api/tasks.ts';
import { ValidationError } from '../../../core/api/schema.ts';

const refused = (action: () => unknown, pattern: RegExp) => {
  assert.throws(action, (error: Error) => error instanceof ValidationError && pattern.test(error.message));
};
const TASK = { name: 'a', prompt: 'p' };

test('a model that the CLI could not be given is refused, of a new task and of an edit', () => {
  for (const model of ['-x', ' --y', 'a\0b', 7]) {
    refused(() => parseCreateTask({ ...TASK, model }), /"model" must be/);
    refused(() => parseTaskPatch({ model }), /"model" must be/);
    refused(() => parseTaskPatch({ flags: { model } }), /"flags\.model" must be/);
  }
});

test('a new task has a name and a prompt; an edit names what it changes', () => {
  refused(() => parseCreateTask({ name: 'a' }), /"prompt" is missing/);
  refused(() => parseCreateTask({ name: ' ', prompt: 'p' }), /"name" must be filled in/);
  refused(() => parseTaskPatch({ name: '' }), /"name" must be filled in/);
  refused(() => parseCreateTask({ ...TASK, order: Infinity }), /"order" must be a number from -1000000 to 1000000/);
  assert.equal(parseTaskPatch({ order: -1, name: null, evil: 1 }), { order: -1 });
});

test('the configuration takes contacts as the settings do', () => {
  assert.equal(parsePipelineConfig({ whatsappPhone: 'whatsapp:+49 (151) 1234-5678', adminEmail: ' a@b.c ' }), {
    whatsappPhone: '+4915112345678',
    adminEmail: 'a@b.c',
  });
  refused(() => parsePipelineConfig({ slackWebhookUrl: 'https://me:secret@hooks.example/' }), /begins with https/);
  refused(() => parsePipelineConfig({ pollIntervalMs: 999 }), /"pollIntervalMs" must be a number from 1000/);
});

test('a stored task is read with what later versions added left at its beginning', () => {
  const stored = parseTask({ id: 'x', ...TASK, prompt: 'with \0 in it', startedAt: null });
  assert.is(stored.prompt, 'with \0 in it');
  assert.equal([stored.status, stored.attempts, stored.startedAt, stored.flags], ['pending', 0, null, {}]);
  refused(() => parseTask({ id: 'x', ...TASK, status: 'done' }), /"status" must be one of pending/);
  refused(() => parseTask(TASK), /"id" is missing/);
});

test.run();
