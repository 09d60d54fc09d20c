/** The real Claude Code against a local stub of its API: a home of its own, a project directory, a provider, and its events. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { randomUUID } from 'node:crypto';
import { createClaude } from '../../../agent/provider/claude/claude.ts';
import type { OpenOptions, Provider, ProviderSession } from '../../../agent/provider/provider.ts';
import { record, type Recorder } from '../fakes/provider-recorder.ts';
import { type AnthropicStub, startAnthropicStub } from '../stubs/stub-anthropic.mjs';

export const CLAUDE_BIN = process.env.CLAUDE_BIN ?? 'claude';

export interface ClaudeHarness {
  directory: string;
  project: string;
  env: Record<string, string | undefined>;
  provider: Provider;
  stub: AnthropicStub;
  open(more?: Partial<OpenOptions>): { session: ProviderSession; seen: Recorder; say(text: string): string };
  close(): Promise<void>;
}

/** The environment in which Claude talks to the stub and keeps to its own directories. */
export function claudeEnv(directory: string, url: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'dummy',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '1',
    CLAUDE_CONFIG_DIR: join(directory, 'claude'),
    CLAUDE_CODE_TMPDIR: join(directory, 'tmp'),
  };
}

export async function claudeHarness(scenario: unknown): Promise<ClaudeHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'claude-harness-'));
  const project = join(directory, 'project');
  for (const name of ['claude', 'tmp', 'project']) mkdirSync(join(directory, name));
  const stub = await startAnthropicStub({ scenario });
  const env = claudeEnv(directory, stub.url);
  const provider = createClaude({ bin: CLAUDE_BIN, env });
  const open: ProviderSession[] = [];
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
      open.push(session);
      const say = (text: string) => {
        const id = randomUUID();
        session.send({ id, text, images: [] });
        return id;
      };
      return { session, seen, say };
    },
    async close() {
      await Promise.all(open.map((session) => session.stop()));
      await stub.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** So that the program asks nothing when it starts. */
export function passFirstQuestions({ directory, project }: ClaudeHarness): void {
  const known = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  const state = {
    ...{ hasCompletedOnboarding: true, theme: 'dark', projects: { [project]: known } },
    customApiKeyResponses: { approved: ['dummy'], rejected: [] },
  };
  writeFileSync(join(directory, 'claude/.claude.json'), JSON.stringify(state));
}
