/** The programs that agents need: installed, which version, logged in, and what to do if not. */
import type { ToolInfo } from '../core/wire/workshop.ts';
import type { Config } from './config.ts';
import { openCliStatus } from './opencli.ts';
import { run } from './run.ts';

/** How long an answer stays good: asking starts several programs. */
const FRESH_MS = 60_000;

export class Tools {
  readonly #config: Config;
  readonly #now: () => number;
  #last: Promise<ToolInfo[]> | null = null;
  #at = 0;

  constructor(config: Config, now: () => number) {
    this.#config = config;
    this.#now = now;
  }

  /** @param fresh ask again although the last answer is recent */
  list(fresh = false): Promise<ToolInfo[]> {
    if (!this.#last || fresh || this.#now() - this.#at > FRESH_MS) {
      this.#at = this.#now();
      this.#last = Promise.all([
        claude(this.#config.claudeBin),
        codex(this.#config.codexBin),
        git(),
        openCliStatus(this.#config.dataDir),
      ]);
    }
    return this.#last;
  }

  forget(): void {
    this.#last = null;
  }
}

async function versionOf(program: string): Promise<string> {
  const { code, stdout } = await run(program, ['--version']);
  return code === 0 ? /\d+(\.\d+)+[^\s)]*/.exec(stdout)?.[0] ?? stdout.trim().slice(0, 100) : '';
}

const absent = (name: ToolInfo['name'], text: string): ToolInfo => ({
  name,
  installed: false,
  version: '',
  loggedIn: null,
  text,
});

async function claude(bin: string): Promise<ToolInfo> {
  const version = await versionOf(bin);
  if (!version) {
    return absent('claude', 'Install it: npm install -g @anthropic-ai/claude-code, or set CLAUDE_BIN to its path.');
  }
  const { stdout } = await run(bin, ['auth', 'status']);
  const loggedIn = /"loggedIn"\s*:\s*true/.test(stdout) ? true : /"loggedIn"\s*:\s*false/.test(stdout) ? false : null;
  const text = loggedIn === false ? 'Log in on the agent machine: run `claude` there and type /login.' : '';
  return { name: 'claude', installed: true, version, loggedIn, text };
}

async function codex(bin: string): Promise<ToolInfo> {
  const version = await versionOf(bin);
  if (!version) return absent('codex', 'Install it: npm install -g @openai/codex, or set CODEX_BIN to its path.');
  const { code, stdout, stderr } = await run(bin, ['login', 'status']);
  const said = `${stdout}${stderr}`;
  const loggedIn = /not logged in/i.test(said) ? false : code === 0 && /logged in/i.test(said) ? true : null;
  const text = loggedIn === false ? 'Log in on the agent machine: run `codex login` there.' : '';
  return { name: 'codex', installed: true, version, loggedIn, text };
}

async function git(): Promise<ToolInfo> {
  const version = await versionOf('git');
  if (!version) return absent('git', 'Install git: without it agents work in the folder itself.');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < 2 || (major === 2 && minor < 38);
  const text = isOld ? 'Version 2.38 or newer finds conflicts before a merge touches any file.' : '';
  return { name: 'git', installed: true, version, loggedIn: null, text };
}
