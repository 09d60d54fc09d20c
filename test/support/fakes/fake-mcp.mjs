// A server of the Model Context Protocol over stdio with one tool, which returns a picture.
import process from 'node:process';
import { createInterface } from 'node:readline';

const DATA = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const ANSWERS = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'shots', version: '1.0.0' },
  }),
  'tools/list': () => ({
    tools: [{ name: 'shot', description: 'Takes a picture', inputSchema: { type: 'object', properties: {} } }],
  }),
  'tools/call': () => ({
    content: [{ type: 'text', text: 'a page' }, { type: 'image', data: DATA, mimeType: 'image/png' }],
  }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  const answer = ANSWERS[method];
  if (id === undefined) continue;
  const body = answer ? { result: answer(params) } : { error: { code: -32601, message: 'not here' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`);
}
