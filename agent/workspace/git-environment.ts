/** Environment and overriding settings of every git that this server starts. */
import { delimiter, sep } from 'node:path';
import process from 'node:process';
import { cleanEnvironment } from '../process/environment.ts';
import { absolutePath } from '../process/program-path.ts';

/** The directory of a repository that holds its agents' worktrees. */
export const WORKTREES = '.agent-worktrees';

/**
 * Settings that no configuration may change, not even the owner's own: nobody is there to answer a prompt, nothing is done
 * beside what was asked, and the output has one form.
 */
export const OVERRIDES = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotepath=false',
  'core.pager=cat',
  'diff.mnemonicPrefix=false',
  'diff.noprefix=false',
  'diff.renames=false',
  'diff.submodule=short',
  // Whether a submodule has changes of its own is looked at in nested-repositories.ts: git would start a git inside it.
  'diff.ignoreSubmodules=dirty',
  'log.showSignature=false',
  'commit.gpgSign=false',
  'commit.template=',
  'merge.verifySignatures=false',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

/** For each worktree of an agent that contains `directory`, the directory around it: git must not look there or above. */
export function ceilings(directory: string): string[] {
  const names = directory.split(sep);
  return names.flatMap((name, i) =>
    name === WORKTREES && i + 1 < names.length ? [names.slice(0, i + 1).join(sep)] : []
  );
}

/** The user's environment without any GIT_* variable. No prompt, no editor, literal paths, English messages. */
export function gitEnvironment(directory: string, extra: Record<string, string> = {}): Record<string, string> {
  const env = cleanEnvironment(process.env);
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  return {
    ...env,
    PATH: absolutePath(env.PATH),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    GIT_EDITOR: 'true',
    GIT_SEQUENCE_EDITOR: 'true',
    GIT_PAGER: 'cat',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_CEILING_DIRECTORIES: ceilings(directory).join(delimiter),
    ...extra,
  };
}

/**
 * Keeps git from fetching, whatever asks for it: no protocol is allowed (an empty list, see git(1)), an object that is missing
 * in a partial clone stays missing, and no ssh is started.
 */
export const NO_NETWORK = {
  GIT_ALLOW_PROTOCOL: '',
  GIT_NO_LAZY_FETCH: '1', // git 2.45 and newer; older ones fetch by a protocol, and find no promisor (isolation.ts)
  GIT_SSH_COMMAND: 'false',
} as const;

/**
 * A second guard, behind commands that start no git in a submodule: a git that looks for its repository takes each one for
 * that of another owner, which `safe.directory` does not excuse, and refuses it. One that is named by GIT_DIR is not looked for.
 */
export const NO_DISCOVERY = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' } as const;
export const TRUST_NONE = ['-c', 'safe.directory='];
