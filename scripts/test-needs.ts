/** Installs or builds what a group of tests needs, or stops with a sentence that says what to install. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

interface Need {
  /** A program that must be there. */
  program: string;
  /** Its Debian package. */
  debian: string;
}

const NEEDS: Record<string, Need[]> = {
  browser: [{ program: 'chromium', debian: 'chromium' }, { program: 'firefox-esr', debian: 'firefox-esr' }],
  agent: [{ program: 'git', debian: 'git' }],
  relay: [{ program: 'openssl', debian: 'openssl' }],
  faults: [
    { program: 'ip', debian: 'iproute2' },
    { program: 'nft', debian: 'nftables' },
    { program: 'chromium', debian: 'chromium' },
    { program: 'openssl', debian: 'openssl' },
    { program: 'nginx', debian: 'nginx-light' },
    { program: 'sshd', debian: 'openssh-server' },
    { program: 'ssh', debian: 'openssh-client' },
    { program: 'pebble', debian: 'pebble' },
    { program: 'curl', debian: 'curl' },
  ],
};
/** Environment variable of the tests: the package that was built for them, which starts in a fifth of the time of the sources. */
export const TESTED_PACKAGE = 'TESTED_PACKAGE';
const DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

const found = (program: string) =>
  [...(process.env.PATH ?? '').split(':'), ...DIRECTORIES].some((directory) =>
    directory && existsSync(`${directory}/${program}`)
  );

/** @param groups first folder names below test/ that are about to run */
export async function prepare(groups: Set<string>): Promise<void> {
  const missing = [...groups].flatMap((group) => NEEDS[group] ?? []).filter((need) => !found(need.program));
  if (missing.length) install(missing);
  if (['relay', 'e2e', 'browser', 'clis', 'faults'].some((group) => groups.has(group))) {
    const { buildPackage } = await import('./build-package.ts');
    // Sizes and what is served compressed matter only to the suites with a browser.
    process.env[TESTED_PACKAGE] = await buildPackage({
      quick: !['browser', 'e2e', 'faults'].some((group) => groups.has(group)),
    });
  }
}

function install(missing: Need[]): void {
  const packages = [...new Set(missing.map((need) => need.debian))];
  const hint = `The tests need ${missing.map((need) => need.program).join(', ')}. Install: apt-get install ${
    packages.join(' ')
  }`;
  if (process.getuid?.() !== 0 || !found('apt-get')) throw new Error(hint);
  console.log(`installing ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    });
  } catch {
    throw new Error(hint);
  }
}
