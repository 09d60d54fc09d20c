/** The real Codex against a local stub of its API: a home of its own, a project directory, a provider, and its events. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { silentLog } from '../../../core/log.ts';
import { type CodexProvider, createCodex } from '../../../agent/provider/codex/codex.ts';
import type { OpenOptions, ProviderSession } from '../../../agent/provider/provider.ts';
import { record, type Recorder } from '../fakes/provider-recorder.ts';
import { startOpenAIStub } from '../stubs/stub-openai.mjs';

export const CODEX_BIN = process.env.CODEX_BIN ?? 'codex';

export interface CodexHarness {
  directory: string;
  project: string;
  env: Record<string, string | undefined>;
  provider: CodexProvider;
  stub: Awaited<ReturnType<typeof startOpenAIStub>>;
  open(more?: Partial<OpenOptions>): { session: ProviderSession; seen: Recorder };
  close(): Promise<void>;
}

/** A config.toml with which Codex talks to the stub. */
export const codexConfig = (url: string, more = '') =>
  `model = "gpt-5.5"
model_provider = "stub"
${more}
[model_providers.stub]
name = "stub"
base_url = "${url}"
env_key = "STUB_API_KEY"
wire_api = "responses"
supports_websockets = false
stream_max_retries = 2
`;

/** @param config more lines of config.toml */
export async function codexHarness(scenario: unknown, config = ''): Promise<CodexHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'codex-harness-'));
  const project = join(directory, 'project');
  mkdirSync(join(directory, 'home'));
  mkdirSync(project);
  const stub = await startOpenAIStub({ scenario });
  writeFileSync(join(directory, 'home/config.toml'), codexConfig(stub.url, config));
  const env = { PATH: process.env.PATH, HOME: directory, CODEX_HOME: join(directory, 'home'), STUB_API_KEY: 'dummy' };
  const provider = createCodex({ bin: CODEX_BIN, env, log: silentLog });
  return {
    directory,
    project,
    env,
    provider,
    stub,
    open(more = {}) {
      const seen = record();
      const session = provider.open({
        agentId: 'agent',
        cwd: project,
        resume: null,
        fork: false,
        flags: {},
        model: '',
        mode: 'default',
        effort: '',
        ...more,
      }, seen.emit);
      return { session, seen };
    },
    async close() {
      await provider.close();
      await stub.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
