/** The real agents of the protocol, each with a home of its own and a stub of its model's API. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { AcpAgentSettings } from '../../../core/api/settings.ts';

export interface AcpCli {
  agent: AcpAgentSettings;
  /** How its model calls for a command, and for a new file. */
  command(command: string): { name: string; input: Record<string, unknown> };
  write(path: string, text: string): { name: string; input: Record<string, unknown> };
}

const json = (path: string, value: unknown) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};

/** @param url of the stub @param home exists */
export function acpClis(url: string, home: string): Record<'gemini' | 'opencode' | 'qwen' | 'copilot', AcpCli> {
  const bin = (name: string) => process.env[`${name.toUpperCase()}_BIN`] ?? name;
  json(join(home, '.gemini/settings.json'), {
    security: { auth: { selectedType: 'gemini-api-key' } },
    model: { name: 'gemini-2.5-pro' },
    privacy: { usageStatisticsEnabled: false },
    general: { enableAutoUpdate: false },
  });
  json(join(home, '.qwen/settings.json'), {
    model: { generationConfig: { modalities: { image: true } } },
    security: { auth: { selectedType: 'openai' } },
    privacy: { usageStatisticsEnabled: false },
    general: { enableAutoUpdate: false },
  });
  json(join(home, '.config/opencode/opencode.json'), {
    model: 'stub/stub-model',
    small_model: 'stub/stub-model',
    provider: {
      stub: {
        npm: '@ai-sdk/openai-compatible',
        options: { baseURL: `${url}/v1`, apiKey: 'dummy' },
        models: { 'stub-model': { name: 'Stub model', modalities: { input: ['text', 'image'], output: ['text'] } } },
      },
    },
  });
  const shell = (command: string) => ({ command, description: 'Run it' });
  const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), XDG_DATA_HOME: join(home, '.local/share') };
  return {
    gemini: {
      agent: {
        id: 'gemini',
        name: 'Gemini CLI',
        command: bin('gemini'),
        args: ['--acp'],
        env: { ...env, GEMINI_API_KEY: 'dummy', GOOGLE_GEMINI_BASE_URL: url, GEMINI_CLI_TRUST_WORKSPACE: 'true' },
      },
      command: (command) => ({ name: 'run_shell_command', input: shell(command) }),
      write: (file_path, content) => ({ name: 'write_file', input: { file_path, content } }),
    },
    opencode: {
      agent: {
        id: 'opencode',
        name: 'OpenCode',
        command: bin('opencode'),
        args: ['acp'],
        env: { ...env, XDG_CACHE_HOME: join(home, '.cache'), OPENCODE_DISABLE_MODELS_FETCH: '1' },
      },
      command: (command) => ({ name: 'bash', input: shell(command) }),
      write: (filePath, content) => ({ name: 'write', input: { filePath, content } }),
    },
    qwen: {
      agent: {
        id: 'qwen',
        name: 'Qwen Code',
        command: bin('qwen'),
        args: ['--acp'],
        env: { ...env, OPENAI_API_KEY: 'dummy', OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'stub-model' },
      },
      command: (command) => ({ name: 'run_shell_command', input: { ...shell(command), is_background: false } }),
      write: (file_path, content) => ({ name: 'write_file', input: { file_path, content } }),
    },
    copilot: {
      agent: {
        id: 'copilot',
        name: 'Copilot CLI',
        command: bin('copilot'),
        args: ['--acp'],
        env: {
          ...env,
          COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
          COPILOT_PROVIDER_API_KEY: 'dummy',
          COPILOT_MODEL: 'stub-model',
          COPILOT_OFFLINE: 'true',
        },
      },
      command: (command) => ({ name: 'bash', input: { ...shell(command), sessionId: 's1', mode: 'sync' } }),
      write: (path, file_text) => ({ name: 'create', input: { path, file_text } }),
    },
  };
}
