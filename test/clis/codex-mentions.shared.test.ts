/**
 * Why a mentioned file is sent to the real Codex in the words: an item `mention` with a file's path leaves nothing of it in what
 * the model gets.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CODEX_BIN, type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';

type Json = Record<string, any>;

let harness: CodexHarness;
let server: ChildProcess;
const lines: Json[] = [];
test.before(async () => {
  harness = await codexHarness({ default: { text: 'Stub answer.' } });
  writeFileSync(join(harness.project, 'cart.ts'), 'const cart = 1;\n');
  server = spawn(CODEX_BIN, ['app-server'], { env: harness.env, stdio: ['pipe', 'pipe', 'ignore'] });
  createInterface({ input: server.stdout! }).on('line', (line) => lines.push(JSON.parse(line)));
});
test.after(async () => {
  if (server) {
    server.kill();
    await once(server, 'close');
  }
  await harness?.close();
});

/** The first line from `from` on that fits. */
async function line(fits: (line: Json) => boolean, from = 0): Promise<Json> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const found = lines.slice(from).find(fits);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not seen in ${JSON.stringify(lines).slice(-1000)}`);
}
let last = 0;
async function call(method: string, params: Json): Promise<Json> {
  const id = ++last;
  server.stdin!.write(`${JSON.stringify({ id, method, params })}\n`);
  const { result, error } = await line((line) => line.id === id && !line.method);
  assert.not.ok(error, `${method}: ${JSON.stringify(error)}`);
  return result;
}

test('a mention item is taken and names the file to nobody; words do', async () => {
  await call('initialize', {
    clientInfo: { name: 'test', title: 'Test', version: '1' },
    capabilities: { experimentalApi: false, requestAttestation: false },
  });
  server.stdin!.write(`${JSON.stringify({ method: 'initialized' })}\n`);
  const { thread } = await call('thread/start', { cwd: harness.project, model: 'gpt-5.5' });
  const askedFor = async (input: Json[]): Promise<string> => {
    const from = lines.length;
    await call('turn/start', { threadId: thread.id, input });
    await line(({ method }) => method === 'turn/completed', from);
    return (harness.stub.requests.at(-1) as { conversation: string }).conversation;
  };
  const words = (text: string) => ({ type: 'text', text, text_elements: [] });
  for (const path of [join(harness.project, 'cart.ts'), 'cart.ts', `file://${harness.project}/cart.ts`]) {
    const conversation = await askedFor([words('look at this'), { type: 'mention', name: 'cart.ts', path }]);
    assert.match(conversation, 'look at this');
    assert.not.match(conversation, 'cart');
  }
  assert.match(await askedFor([words('look at @cart.ts')]), 'look at @cart.ts');
});

test.run();
