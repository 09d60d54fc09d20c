/**
 * The home directory of tests. The user's own has a shell profile that may take long, ask something, or lock a file that a
 * killed shell leaves behind (pyenv's then holds up every further login shell for a minute), and settings of git.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const GIT_SETTINGS = '[user]\n\tname = Test\n\temail = test@agent-monitor.example\n';

/** Makes it. What was downloaded once is found where it was. The caller removes it. */
export function makeTestHome(): { env: Record<string, string>; remove(): void } {
  const home = mkdtempSync(join(tmpdir(), 'test-home-'));
  writeFileSync(join(home, '.gitconfig'), GIT_SETTINGS);
  // Without it zsh asks at its first start what it is to contain.
  writeFileSync(join(home, '.zshrc'), '');
  const { DENO_DIR, npm_config_cache } = process.env;
  return {
    env: {
      HOME: home,
      DENO_DIR: DENO_DIR ?? join(homedir(), '.cache/deno'),
      npm_config_cache: npm_config_cache ?? join(homedir(), '.npm'),
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
