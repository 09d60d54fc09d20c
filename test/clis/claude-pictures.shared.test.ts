/** Pictures through the real Claude Code (`npm run test:clis`): those that Read shows it, and those that an MCP server returns. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { imageType } from '../../core/api/messages.ts';
import { type ClaudeHarness, claudeHarness } from '../support/harness/claude-harness.ts';
import { ROOT } from '../support/harness/product.ts';

const DIRECTORY = '{{re:working directory: (/[^ \\\\"]+)}}';
const SCENARIO = {
  rules: [
    {
      match: 'look',
      steps: [{ tool: { name: 'Read', input: { file_path: `${DIRECTORY}/drawing.png` } } }, {
        text: 'I have seen it.',
      }],
    },
    { match: 'shoot', steps: [{ tool: { name: 'mcp__shots__shot', input: {} } }, { text: 'I have seen it.' }] },
  ],
  default: { text: 'Stub answer.' },
};

let harness: ClaudeHarness;
test.before(async () => {
  harness = await claudeHarness(SCENARIO);
  copyFileSync(join(ROOT, 'ui/public/icon-192.png'), join(harness.project, 'drawing.png'));
});
test.after(() => harness?.close());

const types = (pictures: readonly object[] = []) =>
  pictures.map((picture) => 'data' in picture && imageType(String(picture.data)));

test('Read of a picture: its bytes come with the result, and no placeholder', async () => {
  const { session, seen, say } = harness.open();
  say('look at it');
  const { status, result, pictures } = await seen.type('tool.end');
  assert.is(status, 'done');
  assert.match(String(types(pictures)), /^image\/(png|jpeg|webp)$/);
  assert.not.match(result.text, /\[image\]/);
  await session.stop();
});

test('a tool of an MCP server: the picture beside its text', async () => {
  const server = { command: process.execPath, args: [join(ROOT, 'test/support/fakes/fake-mcp.mjs')] };
  const { session, seen, say } = harness.open({
    flags: { mcpConfig: JSON.stringify({ mcpServers: { shots: server } }) },
  });
  say('shoot it');
  const { request } = await seen.type('request');
  assert.is(request.tool, 'mcp__shots__shot');
  session.decide(request.requestId, { decision: 'allow', clientId: '' });
  const { status, result, pictures } = await seen.type('tool.end');
  assert.is(status, 'done');
  assert.equal(types(pictures), ['image/png']);
  assert.match(result.text, /^a page/);
  await session.stop();
});

test.run();
