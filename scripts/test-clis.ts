/**
 * `npm run test:clis`: tests against the real CLIs, which talk to stubs of their APIs. Their packages are large (Claude Code
 * alone 364 MB), so they are no dependencies: they are installed once into a cache folder outside the checkout.
 *
 *   CLI_CACHE   where; default ~/.cache/agent-monitor/clis
 */
import { spawnSync } from 'node:child_process';
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
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = process.env.CLI_CACHE || join(homedir(), '.cache/agent-monitor/clis');

/** @returns the path of the program. Throws with a sentence when it cannot be installed. */
export function install({ name, version, bin }: Cli): string {
  const folder = join(CACHE, `${bin}-${version}`);
  const program = join(folder, 'node_modules/.bin', bin);
  if (runs(program, version)) return program;
  console.log(`installing ${name}@${version} into ${folder}`);
  // Beside it first: a cut installation is never mistaken for a whole one.
  const fresh = `${folder}.new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'package.json'), '{"private":true}\n');
  const result = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--save-exact', `${name}@${version}`], {
    cwd: fresh,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`${name}@${version} could not be installed with npm: is the registry reachable?`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  if (!runs(program, version)) throw new Error(`${program} was installed and does not run on this machine.`);
  return program;
}

const runs = (program: string, version: string): boolean =>
  existsSync(program) && String(spawnSync(program, ['--version'], { timeout: 30_000 }).stdout).includes(version);

function main(args: string[]): number {
  const env: NodeJS.ProcessEnv = { ...process.env };
  try {
    for (const cli of CLIS) env[cli.setting] = install(cli);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.log('0 passed, 1 failed');
    return 1;
  }
  const runner = [join(ROOT, 'scripts/test.ts'), ...(args.length ? args : ['clis'])];
  return spawnSync(process.execPath, ['--import', 'tsx', ...runner], { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main(process.argv.slice(2)));
