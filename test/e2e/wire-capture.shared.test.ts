/** What somebody on the network between relay and agent machine sees: neither the token nor a word of what is said. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { join } from 'node:path';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { type Capture, startCapture } from '../support/network/capture.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

const PROMPT = 'the quick brown capybara signs nothing';
let capture: Capture;
let product: Product;

test.before(async () => {
  product = await startProduct({
    relayUrl: async (port) => {
      capture = await startCapture(port);
      return `ws://127.0.0.1:${capture.port}/tunnel`;
    },
    agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') },
  });
});
test.after(async () => {
  await product?.close();
  await capture?.close();
});

async function createAgent(): Promise<string> {
  const directory = join(product.directory, 'project');
  mkdirSync(directory, { recursive: true });
  const response = await product.fetch('/api/agents', {
    method: 'POST',
    body: JSON.stringify({ name: 'capture', directory, prompt: PROMPT }),
  });
  assert.is(response.status, 201, await response.clone().text());
  return (await response.json() as { id: string }).id;
}

test('token, prompt and answers cross sealed, also after a cut', async () => {
  const id = await createAgent();
  capture.cut();
  await product.tunnel(false).catch(() => {});
  await product.tunnel(true);
  const messages = await (await product.fetch(`/api/agents/${id}/messages?limit=50`)).text();
  assert.ok(messages.includes('capybara'), 'the prompt is in the history that came through the tunnel');
  assert.ok(capture.bytes > 2000, 'the capture saw the traffic');
  for (const word of [product.token, 'capybara', 'brown', product.password, '/api/agents', 'content-type']) {
    assert.not.ok(capture.contains(word), `${word} is readable on the wire`);
  }
});

test('a wrong token is refused, not sent, and not tried again', async () => {
  await product.agent!.kill();
  const wrong = 'a-wrong-token-that-is-quite-long-enough-to-pass';
  await product.startAgent({ RELAY_TOKEN: wrong });
  await until(
    () => `a refusal in the log:\n${product.agent!.output()}`,
    () => /token/i.test(product.agent!.output().split('Connected, auth')[1] ?? ''),
  );
  assert.not.ok(capture.contains(wrong), 'the wrong token is readable on the wire');
  assert.not.ok(product.agent!.output().includes(wrong), 'the wrong token is in the log');
  assert.not.ok(product.relay!.output().includes(wrong));
  const local = await fetch(`${product.localUrl}/api/health`);
  assert.is(local.status, 200, 'the local dashboard goes on');
});

test('what both programs leave behind has no secret, and their logs no prompt', async () => {
  const cookie = (await product.login()).split('=')[1]!;
  const wrong = 'a-wrong-password-that-nobody-shall-read';
  const refused = await fetch(`${product.relayUrl}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: product.relayUrl },
    body: JSON.stringify({ password: wrong }),
  });
  assert.is(refused.status, 401);
  await product.agent!.kill();
  await product.relay!.kill();
  const logs = { 'the agent said': product.agent!.output(), 'the relay said': product.relay!.output() };
  const files = readdirSync(product.directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  assert.ok(
    files.some((file) => file.endsWith('relay-audit.log')) && files.some((file) => file.endsWith('journal.jsonl')),
  );
  const left: Record<string, string> = {
    ...logs,
    ...Object.fromEntries(files.map((file) => [file, readFileSync(file, 'latin1')])),
  };
  for (const [name, text] of Object.entries(left)) {
    for (const secret of [product.token, product.password, cookie, wrong]) {
      assert.not.ok(text.includes(secret), `${name}: ${secret}`);
    }
    const isLog = name in logs || name.endsWith('.log');
    assert.not.ok(isLog && text.includes('capybara'), `${name} has the prompt`);
  }
});

test.run();
