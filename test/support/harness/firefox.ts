/** Debian's Firefox, driven over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), as far as a test needs it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

const START_MS = 60_000;

export interface Firefox {
  /** A new tab. */
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export interface Tab {
  goto(url: string): Promise<void>;
  /** The value of an expression, or of its promise, as JSON; it runs as if somebody had just tapped. */
  evaluate<T>(expression: string): Promise<T>;
  close(): Promise<void>;
}

type Json = Record<string, any>;

/** @param preferences of `about:config` */
export async function launchFirefox(preferences: Record<string, string | number | boolean>): Promise<Firefox> {
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const child = spawn('firefox-esr', args, {
    env: { ...process.env, HOME: profile, MOZ_DISABLE_AUTO_SAFE_MODE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = async () => {
    const gone = new Promise((resolve) => child.once('close', resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const address = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Firefox does not start: ${output}`)), START_MS);
      let output = '';
      child.stderr!.on('data', (chunk) => {
        output = (output + chunk).slice(-10_000);
        const found = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(output);
        if (found) resolve((clearTimeout(timer), found[1]!));
      });
      child.once('error', reject);
    });
    const send = await connectTo(`${address}/session`);
    await send('session.new', { capabilities: {} });
    return { open: (url) => openTab(send, url), close: end };
  } catch (error) {
    await end();
    throw error;
  }
}

type Send = (method: string, params: Json) => Promise<Json>;

async function connectTo(address: string): Promise<Send> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, { resolve(result: Json): void; reject(error: Error): void }>();
  socket.on('message', (data: unknown) => {
    const { id, type, result, error, message } = JSON.parse(String(data)) as Json;
    const call = waiting.get(id);
    waiting.delete(id);
    if (type === 'success') call?.resolve(result);
    else call?.reject(new Error(`${error}: ${message}`));
  });
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('Firefox went away.'));
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let last = 0;
  return (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ id, method, params }));
    });
}

async function openTab(send: Send, url: string): Promise<Tab> {
  const { context } = await send('browsingContext.create', { type: 'tab' });
  const goto = async (to: string) =>
    void await send('browsingContext.navigate', { context, url: to, wait: 'complete' });
  await goto(url);
  return {
    goto,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send('script.evaluate', {
        expression: `Promise.resolve(${expression}).then((value) => JSON.stringify(value ?? null))`,
        target: { context },
        awaitPromise: true,
        userActivation: true,
      });
      if (exceptionDetails) throw new Error(exceptionDetails.text);
      return JSON.parse(result.value) as T;
    },
    close: async () => void await send('browsingContext.close', { context }),
  };
}
