/**
 * Which settings of a repository git may read when this server asks it. A repository's own configuration is written by whoever
 * can write into it, an agent too, and git has over a hundred settings that name a program. So this is a list of what is
 * allowed: settings that change how files and commits are read and written, and name nothing that could be run.
 */
import type { Buffer } from 'node:buffer';
import { splitNul } from './git-output.ts';

/** Lower case, as git prints section and name. */
const ALLOWED = new Set(
  [
    ...['core.repositoryformatversion', 'core.bare', 'core.sharedrepository', 'core.logallrefupdates'],
    ...['core.filemode', 'core.symlinks', 'core.ignorecase', 'core.precomposeunicode', 'core.longpaths'],
    ...['core.protecthfs', 'core.protectntfs', 'core.trustctime', 'core.checkstat', 'core.bigfilethreshold'],
    ...['core.autocrlf', 'core.eol', 'core.safecrlf', 'core.checkroundtripencoding', 'core.whitespace'],
    ...['core.excludesfile', 'core.attributesfile', 'core.sparsecheckout', 'core.sparsecheckoutcone'],
    ...['core.compression', 'core.loosecompression', 'core.fsync', 'core.fsyncmethod', 'core.fsyncobjectfiles'],
    ...['index.sparse', 'index.version', 'index.skiphash', 'feature.manyfiles'],
    ...['user.name', 'user.email', 'user.useconfigonly', 'i18n.commitencoding', 'commit.cleanup'],
    ...['author.name', 'author.email', 'committer.name', 'committer.email'],
    ...['merge.conflictstyle', 'merge.renames', 'merge.renamelimit', 'merge.directoryrenames', 'diff.renamelimit'],
    ...['diff.algorithm', 'diff.indentheuristic', 'diff.context', 'diff.interhunkcontext'],
  ],
);
/**
 * How the repository is stored: git must refuse what it does not know. `partialclone` would make it fetch missing objects by a
 * program of the remote's settings; `worktreeconfig` would make it read another file, whose settings are in the list already.
 */
const isAllowedExtension = (key: string) =>
  /^extensions\.[a-z0-9]+$/.test(key) && key !== 'extensions.partialclone' && key !== 'extensions.worktreeconfig';

/** What of a repository's own settings may be read, and what is left out on purpose. */
export interface SafeSettings {
  /** A configuration file. */
  text: string;
  /** Filters that only the repository defines: files that pass through them cannot be written or committed. */
  filters: string[];
  /** Merge drivers that only the repository defines. */
  mergeDrivers: string[];
  /** Driver of files for which no attribute names one. */
  defaultMergeDriver: string | null;
  /** Missing objects would be fetched. */
  isPartial: boolean;
}

export interface Setting {
  key: string;
  /** null: `name` without "=", which means true. */
  value: string | null;
  /** Of the repository or worktree, and not of the owner (system, global). */
  isOwn: boolean;
}

/** @param output of `git config --list --show-scope -z`: scope NUL key LF value NUL … */
export function safeSettings(output: Buffer): SafeSettings {
  const settings = parseSettings(output);
  const own = settings.filter((setting) => setting.isOwn);
  const allowed = own.filter(({ key }) => ALLOWED.has(key) || isAllowedExtension(key));
  const onlyOwn = (pattern: RegExp) => {
    const global = driversIn(settings.filter((setting) => !setting.isOwn), pattern);
    return driversIn(own, pattern).filter((name) => !global.includes(name));
  };
  return {
    text: allowed.map(formatSetting).join(''),
    filters: onlyOwn(/^filter\.(.*)\.(?:clean|smudge|process)$/s),
    mergeDrivers: onlyOwn(/^merge\.(.*)\.driver$/s),
    defaultMergeDriver: own.findLast(({ key }) => key === 'merge.default')?.value ?? null,
    isPartial: own.some(({ key }) => key === 'extensions.partialclone' || /^remote\..*\.promisor$/s.test(key)),
  };
}

/** The settings that git lists, in its order: the last of a key wins. */
export function parseSettings(output: Buffer): Setting[] {
  const pieces = splitNul(output).map((piece) => piece.toString('utf8'));
  const settings: Setting[] = [];
  for (let i = 0; i + 1 < pieces.length; i += 2) {
    const [scope, line] = [pieces[i]!, pieces[i + 1]!];
    const end = line.indexOf('\n');
    settings.push({
      key: end < 0 ? line : line.slice(0, end),
      value: end < 0 ? null : line.slice(end + 1),
      isOwn: scope !== 'system' && scope !== 'global' && scope !== 'command',
    });
  }
  return settings;
}

const driversIn = (settings: Setting[], pattern: RegExp): string[] => [
  ...new Set(settings.flatMap(({ key }) => pattern.exec(key)?.[1] ?? [])),
];

/** Only keys of two parts are allowed, so no subsection needs quoting. */
function formatSetting({ key, value }: Setting): string {
  const [section, name] = key.split('.');
  return `[${section}]\n\t${name}${value === null ? '' : ` = "${escapeValue(value)}"`}\n`;
}

const escapeValue = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
