/**
 * The remote that an agent's branch is pushed to. Its name and address are what the repository's settings say, and whoever can
 * write there, an agent too, can say anything: so an address is passed on only when it is of a kind that starts no program but
 * git's own transports and ssh, and everything else that settings of the repository say of a remote is not read.
 */
import { isAbsolute } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { listSettings } from './git.ts';
import type { Repository } from './repository.ts';
import { parseSettings, type Setting } from './safe-settings.ts';

export interface Remote {
  /** As the repository calls it. */
  name: string;
  /** After the owner's own `url.….insteadOf` and `pushInsteadOf`. */
  url: string;
  protocol: 'https' | 'http' | 'ssh' | 'file';
  /** Where the repository is on a host, for its pull requests; null: a directory of this machine. */
  hosted: Hosted | null;
}

export interface Hosted {
  host: string;
  /** `owner/name` where it has pull requests. */
  path: string;
}

/** Longest address of a remote. */
const MAX_URL = 2048;

/** The remote of an agent's branch, chosen as git does, and else that of its base. Throws Failure. */
export async function remoteOf(at: Repository, { branch, base }: WorktreeInfo): Promise<Remote> {
  const settings = await settingsOf(at);
  const name = remoteName(settings, branch, base);
  const pushUrl = name && valueOf(settings, `remote.${name}.pushurl`);
  const url = pushUrl || (name && valueOf(settings, `remote.${name}.url`));
  if (!name || !url) {
    throw new Failure(
      'no_remote',
      'This repository has no remote to push to. Add one in a terminal: git remote add origin <address>.',
    );
  }
  refuseUrl(url.length > MAX_URL || /[\0\n]/.test(url), name);
  return readRemote(name, rewritten(settings, url, pushUrl ? ['insteadof'] : ['pushinsteadof', 'insteadof']));
}

const settingsOf = async (at: Repository): Promise<Setting[]> =>
  parseSettings(await listSettings({ GIT_DIR: at.gitDir, GIT_COMMON_DIR: at.common }));

/**
 * The repository that pull requests of a fork go to, as far as the settings say so: the choice of `gh repo set-default`, or the
 * remote `upstream`. Only one of the host that is pushed to; null: nothing is said. Throws Failure.
 */
export async function upstreamOf(at: Repository, { host }: Hosted): Promise<Hosted | null> {
  const settings = await settingsOf(at);
  const chosen = settings.findLast(({ key }) => /^remote\..*\.gh-resolved$/s.test(key));
  const path = chosen?.value?.replace(/^.*\/(?=[^/]+\/[^/]+$)/, '');
  if (path && path !== 'base') return { host, path };
  const name = chosen ? chosen.key.slice('remote.'.length, -'.gh-resolved'.length) : 'upstream';
  const url = valueOf(settings, `remote.${name}.url`);
  if (!url || url.length > MAX_URL) return null;
  const { hosted } = readRemote(name, rewritten(settings, url, ['insteadof']));
  return hosted?.host.toLowerCase() === host.toLowerCase() ? hosted : null;
}

function remoteName(settings: Setting[], branch: string, base: string): string | null {
  const names = [...new Set(settings.flatMap(({ key }) => /^remote\.(.*)\.url$/s.exec(key)?.[1] ?? []))];
  const chosen = [
    `branch.${branch}.pushremote`,
    'remote.pushdefault',
    `branch.${branch}.remote`,
    `branch.${base}.remote`,
  ]
    .map((key) => valueOf(settings, key))
    .find((name) => name && names.includes(name));
  if (chosen) return chosen;
  return names.includes('origin') ? 'origin' : names.length === 1 ? names[0]! : null;
}

const valueOf = (settings: Setting[], key: string): string | null =>
  settings.findLast((setting) => setting.key === key)?.value ?? null;

/** The address as the owner's `url.<base>.insteadOf` has it, by the longest match; the repository's own are not followed. */
function rewritten(settings: Setting[], url: string, keys: string[]): string {
  for (const key of keys) {
    const matches = settings.flatMap((setting) => {
      const base = new RegExp(`^url\\.(.*)\\.${key}$`, 's').exec(setting.key)?.[1];
      const prefix = setting.value;
      return base && prefix && !setting.isOwn && url.startsWith(prefix) ? { base, prefix } : [];
    });
    const best = matches.reduce((a, b) => (b.prefix.length > a.prefix.length ? b : a), { base: '', prefix: '' });
    if (best.prefix) return best.base + url.slice(best.prefix.length);
  }
  return url;
}

/** What an address leads to. Throws Failure `remote_refused` for a kind that is not used. */
export function readRemote(name: string, url: string): Remote {
  if (isAbsolute(url)) return { name, url, protocol: 'file', hosted: null };
  const path = /^file:\/\/(\/.*)$/s.exec(url)?.[1];
  if (path) return { name, url: decoded(path, name), protocol: 'file', hosted: null };
  const [, scheme, host, rest] = /^(https?|ssh):\/\/(?:[^/@\s]+@)?([A-Za-z0-9[][^/@\s]*)\/(.+)$/s.exec(url) ?? [];
  if (scheme) return { name, url, protocol: scheme as Remote['protocol'], hosted: hostedAt(host!, rest!) };
  // "git@host:owner/name"; "helper::address" is a program.
  const [, short, at] = /^(?:[\w.-]+@)?([A-Za-z0-9][\w.-]*):(?!:)(.+)$/s.exec(url) ?? [];
  refuseUrl(!short, name);
  return { name, url, protocol: 'ssh', hosted: hostedAt(short!, at!) };
}

const hostedAt = (host: string, path: string) => ({
  host,
  path: path.replace(/^\/+/, '').replace(/\/+$/, '').replace(/\.git$/, ''),
});

function decoded(path: string, name: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    refuseUrl(true, name);
    return path;
  }
}

function refuseUrl(isRefused: boolean, name: string): void {
  if (!isRefused) return;
  throw new Failure(
    'remote_refused',
    `The address of ${name} is none that the server pushes to: https, http, ssh or an absolute path. Push in a terminal.`,
    { params: { remote: name } },
  );
}
