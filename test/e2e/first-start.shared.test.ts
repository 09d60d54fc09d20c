/** The first start on a real terminal: the questions, what is saved, and the code that logs a phone in. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IPty, spawn } from 'node-pty';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort, plainEnv, type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

let directory: string;
let product: Product;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'first-start-'));
  product = await startProduct();
});
test.after(async () => {
  await product.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Console {
  pty: IPty;
  screen(): string;
  /** Waits for a question, then types the answer. */
  answer(question: RegExp, text: string): Promise<void>;
  sees(pattern: RegExp): Promise<RegExpExecArray>;
  exit: Promise<number>;
}

function open(name: string, args: string[] = [], env: Record<string, string> = {}): Console {
  mkdirSync(join(directory, name), { recursive: true });
  const pty = spawn(process.execPath, [
    '--import',
    join(ROOT, 'node_modules/tsx/dist/loader.mjs'),
    join(ROOT, 'cli/main.ts'),
    ...args,
  ], {
    cwd: directory,
    cols: 120,
    env: plainEnv({ AGENT_MONITOR_HOME: join(directory, name), ...env }),
  });
  let output = '';
  let searched = 0;
  pty.onData((data) => output += data);
  const exit = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  const sees = (pattern: RegExp) =>
    until(() => `${pattern} in:\n${output}`, () => {
      // What stood there before the last answer is no answer to it.
      const match = pattern.exec(output.slice(searched));
      if (match) searched += match.index + match[0].length;
      return match;
    });
  const answer = async (question: RegExp, text: string) => {
    await sees(question);
    pty.write(`${text}\r`);
  };
  return { pty, screen: () => output, answer, sees, exit };
}

async function claim(origin: string, code: string): Promise<number> {
  const response = await fetch(`${origin}/api/auth/pair/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ code }),
  });
  await response.body?.cancel();
  return response.status;
}

test('with a relay: three answers and the password; the machine connects, the code logs in once', async () => {
  await product.agent!.kill();
  const port = await freePort();
  const terminal = open('relay', [], { PORT: String(port) });
  await terminal.answer(/Folder that agents work in \[.*\]: /, '/nowhere');
  await terminal.sees(/There is no folder \/nowhere\./);
  await terminal.answer(/Folder that agents work in \[.*\]: /, directory);
  await terminal.answer(/Address of your relay.*: /, product.relayUrl);
  await terminal.answer(/Token of the relay.*: /, product.token);
  await terminal.answer(/dashboard password.*: /, product.password);
  const [, code] = await terminal.sees(new RegExp(`${product.relayUrl}/#/pair/(\\S+)`));
  assert.match(terminal.screen(), '▀');
  await product.tunnel(true);
  assert.is(await claim(product.relayUrl, code!), 200);
  assert.is(await claim(product.relayUrl, code!), 401);
  for (const secret of [product.token, product.password]) {
    assert.not.ok(terminal.screen().includes(secret), 'a secret is shown');
  }
  assert.is(
    readFileSync(join(directory, 'relay/.env'), 'utf8'),
    `DEFAULT_DIRECTORY="${directory}"\nRELAY_URL="${
      product.relayUrl.replace('http', 'ws')
    }/tunnel"\nRELAY_TOKEN="${product.token}"\n`,
  );
  terminal.pty.write('\x03');
  assert.is(await terminal.exit, 0);
  const again = open('relay', [], { PORT: String(port) });
  await again.sees(/To log a phone in: agent-monitor pair/);
  assert.not.match(again.screen(), /Folder that agents/);
  again.pty.write('\x03');
  assert.is(await again.exit, 0);
});

test('without a relay: a password opens it to the network and its code logs in', async () => {
  const port = await freePort();
  const terminal = open('network', [], { PORT: String(port) });
  await terminal.answer(/Folder that agents work in \[.*\]: /, '');
  await terminal.answer(/Address of your relay.*: /, 'two words');
  await terminal.answer(/Address of your relay.*: /, '');
  await terminal.answer(/Password, to open.*: /, 'for my "network"');
  const [, code] = await terminal.sees(/http:\/\/\S+\/#\/pair\/(\S+)/);
  assert.is(await claim(`http://127.0.0.1:${port}`, code!), 200);
  terminal.pty.write('\x03');
  assert.is(await terminal.exit, 0);
});

test('Ctrl-C at a question changes nothing; a wrong password gives no code and no failure', async () => {
  const stopped = open('stopped');
  await stopped.sees(/Folder that agents work in/);
  stopped.pty.write('\x03');
  assert.is(await stopped.exit, 1);
  assert.match(stopped.screen(), /Nothing was changed\./);
  assert.throws(() => readFileSync(join(directory, 'stopped/.env')));

  const wrong = open('wrong', ['pair', product.relayUrl]);
  await wrong.answer(/Dashboard password of .*: /, 'not the password');
  assert.is(await wrong.exit, 4);
  assert.match(wrong.screen(), /This password is not right\./);
});

test.run();
