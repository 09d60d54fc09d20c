/**
 * `npm run test:clis`: tests against the real CLIs, which talk to stubs of their APIs. Their packages are large (Claude Code
 * alone 364 MB), so they are no dependencies: they are installed once into a cache folder outside the checkout.
 *
 *   CLI_CACHE   where; default ~/.cache/agent-monitor/clis
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

interface Cli {
  /** Variable that the tests read. */
  setting: string;
  name: string;
  version: string;
  bin: string;
}

export const CLIS: Cli[] = [
  { setting: 'CLAUDE_BIN', name: '@anthropic-ai/claude-code', version: '2.1.330', bin: 'claude' },
  { setting: 'CODEX_BIN', name: '@openai/codex', version: '0.169.0', bin: 'codex' },
  { setting: 'OPENCODE_BIN', name: 'opencode-ai', version: '1.18.33', bin: 'opencode' },
  { setting: 'GEMINI_BIN', name: '@google/gemini-cli', version: '0.61.0', bin: 'gemini' },
  { setting: 'COPILOT_BIN', name: '@github/copilot', version: '1.0.102', bin: 'copilot' },
  // The newest for Node 20.
  { setting: 'QWEN_BIN', name: '@qwen-code/qwen-code', version: '0.15.10', bin: 'qwen' },
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = process.env.CLI_CACHE || join(homedir(), '.cache/agent-monitor/clis');

/** Resolves to the path of the program; rejects with a sentence when it cannot be installed. */
export async function install({ name, version, bin }: Cli): Promise<string> {
  const directory = join(CACHE, `${bin}-${version}`);
  const program = join(directory, 'node_modules/.bin', bin);
  if (await runs(program, version)) return program;
  console.log(`installing ${name}@${version} into ${directory}`);
  const startedAt = performance.now();
  // Beside it first: a cut installation is never mistaken for a whole one.
  const fresh = `${directory}.new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{"private":true}\n');
  const npm = spawn('npm', ['install', '--no-audit', '--no-fund', '--save-exact', `${name}@${version}`], {
    cwd: fresh,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(npm, 'exit');
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`${name}@${version} could not be installed with npm: is the registry reachable?`);
  }
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
  if (!await runs(program, version)) throw new Error(`${program} was installed and does not run on this machine.`);
  console.log(`installed ${name} in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return program;
}

const runs = (program: string, version: string): Promise<boolean> =>
  new Promise((resolve) => {
    if (!existsSync(program)) return resolve(false);
    execFile(program, ['--version'], { timeout: 60_000 }, (_error, stdout) => resolve(stdout.includes(version)));
  });

/** All at the same time: most of an installation is waiting for the network. */
async function installAll(): Promise<NodeJS.ProcessEnv> {
  const programs = await Promise.all(CLIS.map(async (cli) => [cli.setting, await install(cli)] as const));
  return { ...process.env, ...Object.fromEntries(programs) };
}

async function main(args: string[]): Promise<number> {
  let env: NodeJS.ProcessEnv;
  try {
    env = await installAll();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.log('0 passed, 1 failed');
    return 1;
  }
  const runner = [join(ROOT, 'scripts/test.ts'), ...(args.length ? args : ['clis'])];
  return spawnSync(process.execPath, ['--import', 'tsx', ...runner], { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv.slice(2)));
