/** Codex's provider with the scripted Codex, for the tests of a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { type CodexProvider, createCodex } from '../../../agent/provider/codex/codex.ts';
import type { OpenOptions, ProviderSession } from '../../../agent/provider/provider.ts';
import { silentLog } from '../../../core/log.ts';
import { record, type Recorder } from '../fakes/provider-recorder.ts';

export const FAKE_CODEX = fileURLToPath(new URL('../fakes/fake-codex.mjs', import.meta.url));
/** How long a session has for what a test waits for, ms. */
const RECORDER_MS = 8000;

export interface CodexBench {
  readonly directory: string;
  /** Closed after the test. */
  codex(env?: Record<string, string>, bin?: string): CodexProvider;
  open(provider: CodexProvider, more?: Partial<OpenOptions>): { session: ProviderSession; seen: Recorder };
}

export function codexBench(): CodexBench {
  const directory = mkdtempSync(join(tmpdir(), 'codex-test-'));
  const providers: CodexProvider[] = [];
  test.after.each(async () => {
    await Promise.all(providers.splice(0).map((provider) => provider.close()));
  });
  test.after(() => rmSync(directory, { recursive: true, force: true }));
  return {
    directory,
    codex(env = {}, bin = FAKE_CODEX) {
      const provider = createCodex({ bin, env: { PATH: process.env.PATH, ...env }, log: silentLog });
      providers.push(provider);
      return provider;
    },
    open(provider, more = {}) {
      const seen = record(RECORDER_MS);
      const options: Partial<OpenOptions> = { agentId: 'a', cwd: directory, resume: null, fork: false, flags: {} };
      const chosen = { ...options, model: '', mode: 'default', effort: '', ...more };
      return { session: provider.open(chosen as OpenOptions, seen.emit), seen };
    },
  };
}

export const codexMessage = (text: string, id = text) => ({ id, text, images: [] });
export const finalTexts = (seen: Recorder): string[] =>
  seen.of('text.end').filter((event) => !event.thinking).map((event) => event.text);
