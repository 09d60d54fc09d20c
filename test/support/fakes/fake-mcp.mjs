// A server of the Model Context Protocol over stdio with one tool, which returns a picture.
//
//   node fake-mcp.mjs [<picture> <gate>]
//
// With a picture's path it returns that one, once a file at <gate> is there, so that a test can do something before the result.
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';

const [picture, gate] = process.argv.slice(2);
const LOOK_MS = 50;
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

async function shoot() {
  while (gate && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const data = (picture ? readFileSync(picture) : PIXEL).toString('base64');
  return { content: [{ type: 'text', text: 'a page' }, { type: 'image', data, mimeType: 'image/png' }] };
}

const ANSWERS = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'shots', version: '1.0.0' },
  }),
  'tools/list': () => ({
    tools: [{ name: 'shot', description: 'Takes a picture', inputSchema: { type: 'object', properties: {} } }],
  }),
  'tools/call': shoot,
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const answer = ANSWERS[method];
  if (id === undefined) continue;
  const body = answer ? { result: await answer(params) } : { error: { code: -32601, message: 'not here' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`);
}
