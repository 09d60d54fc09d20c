/** Programs that note that they were run, and a configuration that names one for each setting of git that can. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VECTOR = fileURLToPath(new URL('../../vectors/git-program-settings.json', import.meta.url));

export const PROGRAM_SETTINGS: { version: string; settings: { key: string; text: string }[] } = JSON.parse(
  readFileSync(VECTOR, 'utf8'),
);

/** The driver of attributes, the remote, the submodule and the tool whose settings name canaries. */
const NAMES: Record<string, string[]> = {
  '<driver>': ['canary'],
  '<name>': ['origin', 'lib', 'nested'],
  '<format>': ['openpgp', 'ssh', 'x509', 'tar'],
  '<cmd>': ['status', 'diff', 'log', 'rev-list', 'worktree', 'branch', 'config', 'ls-files'],
  '*': ['status', 'canary'],
};
/** Settings whose value is a shell command only behind "!". */
const BEHIND_BANG = /^(alias\.|credential\.helper$|submodule\..*\.update$)/;
const HOOKS = [
  'applypatch-msg',
  'commit-msg',
  'fsmonitor-watchman',
  'post-applypatch',
  'post-checkout',
  'post-commit',
  'post-index-change',
  'post-merge',
  'post-rewrite',
  'post-update',
  'pre-applypatch',
  'pre-auto-gc',
  'pre-commit',
  'pre-merge-commit',
  'pre-push',
  'pre-rebase',
  'pre-receive',
  'prepare-commit-msg',
  'push-to-checkout',
  'reference-transaction',
  'sendemail-validate',
  'update',
];
/** Switches that make git use what the other settings name. */
const SWITCHES: [key: string, value: string][] = [
  ['commit.gpgSign', 'true'],
  ['tag.gpgSign', 'true'],
  ['log.showSignature', 'true'],
  ['merge.verifySignatures', 'true'],
  ['gpg.format', 'openpgp'],
  ['filter.canary.required', 'true'],
  ['filter.lfs.required', 'true'],
  ['diff.submodule', 'diff'],
  ['diff.ignoreSubmodules', 'none'],
  ['status.submoduleSummary', 'true'],
  ['submodule.recurse', 'true'],
  ['submodule.lib.ignore', 'none'],
  ['protocol.allow', 'always'],
  ['protocol.ext.allow', 'always'],
  ['protocol.file.allow', 'always'],
  ['gc.auto', '1'],
  ['maintenance.auto', 'true'],
  ['merge.tool', 'canary'],
  ['diff.tool', 'canary'],
  ['rerere.enabled', 'true'],
];

export interface Canaries {
  /** A configuration file with every setting of the vector, and switches that make git use them. */
  readonly config: string;
  /** Of every path, or of those that match. */
  attributes(pattern?: string): string;
  /** A canary of its own, for what the vector does not have. */
  program(name: string): string;
  /** Puts a canary for each hook into a git directory. */
  plantHooks(gitDir: string): void;
  /** What was run since the last call. */
  runs(): string[];
}

export function createCanaries(directory: string): Canaries {
  const log = join(directory, 'runs');
  const programs = join(directory, 'programs');
  mkdirSync(programs, { recursive: true });
  const program = (name: string): string => {
    const path = join(programs, name.replace(/[^\w.-]/g, '_'));
    writeFileSync(path, `#!/bin/sh\necho "${name}" >> ${log}\nexec cat\n`, { mode: 0o755 });
    return path;
  };
  const valueOf = (key: string) => {
    if (key === 'core.hooksPath') return hooksDirectory(programs, program);
    return key.endsWith('.vcs') ? 'canary' : `${BEHIND_BANG.test(key) ? '!' : ''}${program(key)}`;
  };
  const keys = PROGRAM_SETTINGS.settings.flatMap(({ key }) => expand(key));
  const lfs = ['filter.lfs.clean', 'filter.lfs.smudge', 'filter.lfs.process'];
  const lines: [string, string][] = [...keys, ...lfs].map((key) => [key, valueOf(key)]);
  return {
    config: [...lines, ...SWITCHES].map(([key, value]) => configLine(key, value)).join(''),
    attributes: (pattern = '*') => `${pattern} filter=canary diff=canary merge=canary\n`,
    program,
    plantHooks(gitDir) {
      mkdirSync(join(gitDir, 'hooks'), { recursive: true });
      for (const hook of HOOKS) {
        writeFileSync(join(gitDir, 'hooks', hook), readFileSync(program(`hook ${hook}`)), { mode: 0o755 });
      }
    },
    runs() {
      const found = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
      rmSync(log, { force: true });
      return [...new Set(found)];
    },
  };
}

function hooksDirectory(programs: string, program: (name: string) => string): string {
  const path = join(programs, 'hooks');
  mkdirSync(path, { recursive: true });
  for (const hook of HOOKS) {
    writeFileSync(join(path, hook), readFileSync(program(`hooksPath ${hook}`)), { mode: 0o755 });
  }
  return path;
}

/** The key with each name that its placeholder can stand for. */
function expand(key: string): string[] {
  const placeholder = /<\w+>|\*/.exec(key)?.[0];
  if (!placeholder) return [key];
  return (NAMES[placeholder] ?? ['canary']).flatMap((name) => expand(key.replace(placeholder, name)));
}

/** `section.sub.section.name` as a line of a configuration file. */
export function configLine(key: string, value: string): string {
  const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')];
  const subsection = first < last ? ` "${key.slice(first + 1, last)}"` : '';
  return `[${key.slice(0, first)}${subsection}]\n\t${key.slice(last + 1)} = "${value.replaceAll('"', '\\"')}"\n`;
}
