/**
 * OpenCLI (npm @jackwener/opencli): commands for websites and apps that agents call through their shell. Installed only when
 * the user asks for it: a pinned version, without install scripts, in a directory under DATA_DIR, its skills copied to where
 * the CLIs look for them. Removing it deletes exactly what was put there.
 */
import { cp, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import type { ToolInfo } from '../../core/api/settings.ts';
import { SKILL_DIRECTORIES } from '../process/programs.ts';
import { run } from '../process/run.ts';

export const OPENCLI = { package: '@jackwener/opencli', version: '1.8.7', node: 20 };

const INSTALL_MS = 10 * 60_000;
const RECORD = 'skills.json';

export const openCliDirectory = (dataDir: string): string => join(dataDir, 'opencli');
/** Not node_modules/.bin: when npm started this server, directories of that name are removed from the PATH of children. */
const binDirectory = (dataDir: string) => join(openCliDirectory(dataDir), 'bin');
const packageDirectory = (dataDir: string) => join(openCliDirectory(dataDir), 'node_modules', OPENCLI.package);

const exists = (path: string) => lstat(path).then(() => true, () => false);

async function installedVersion(dataDir: string): Promise<string> {
  try {
    return String(JSON.parse(await readFile(join(packageDirectory(dataDir), 'package.json'), 'utf8')).version);
  } catch {
    return '';
  }
}

export async function openCliStatus(dataDir: string): Promise<ToolInfo> {
  const version = await installedVersion(dataDir);
  const text = version ? '' : nodeSentence() || 'Optional: gives agents commands for websites and apps.';
  return { name: 'opencli', installed: version !== '', version, loggedIn: null, text };
}

/** Empty when this Node can run it. */
const nodeSentence = (version = process.versions.node) =>
  Number(version.split('.')[0]) >= OPENCLI.node
    ? ''
    : `OpenCLI needs Node ${OPENCLI.node} or newer; this is ${version}.`;

/**
 * Appends the directory of programs to PATH of `env`, for everything that this server starts from now on; removes it when
 * OpenCLI is not installed. Calling it twice changes nothing.
 */
export async function offerOpenCli(
  dataDir: string,
  env: Record<string, string | undefined> = process.env,
): Promise<void> {
  const directory = binDirectory(dataDir);
  const rest = (env.PATH ?? '').split(delimiter).filter((entry) => entry && entry !== directory);
  const isThere = await exists(join(directory, 'opencli'));
  env.PATH = (isThere ? [...rest, directory] : rest).join(delimiter);
}

export interface SyncOptions {
  dataDir: string;
  home?: string;
  nodeVersion?: string;
  /** Called with one line for each step. */
  report?: (line: string) => void;
}

/** Installs the pinned version (again) and copies its skills. Throws Failure with a sentence, and then offers nothing. */
export async function syncOpenCli(
  { dataDir, home = homedir(), nodeVersion, report = () => {} }: SyncOptions,
): Promise<string> {
  const unfit = nodeSentence(nodeVersion);
  if (unfit) throw new Failure('node_too_old', `${unfit} Nothing was installed.`);
  const directory = openCliDirectory(dataDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true }), { mode: 0o600 });
  report(`installing ${OPENCLI.package}@${OPENCLI.version} into ${directory}`);
  const npm = await findNpm();
  const result = await run(npm, [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--save-exact',
    `${OPENCLI.package}@${OPENCLI.version}`,
  ], { cwd: directory, timeoutMs: INSTALL_MS });
  const version = await installedVersion(dataDir);
  if (result.code !== 0 || version !== OPENCLI.version) {
    const why = result.failure === 'ENOENT'
      ? 'npm was not found'
      : result.stderr.trim().split('\n').slice(-3).join(' ') || result.failure;
    throw new Failure('install_failed', `OpenCLI could not be installed: ${why}`, { params: { reason: why } });
  }
  await linkProgram(dataDir);
  const count = await copySkills(dataDir, home);
  await offerOpenCli(dataDir);
  report(`${count} skills for agents`);
  return version;
}

async function linkProgram(dataDir: string): Promise<void> {
  await mkdir(binDirectory(dataDir), { recursive: true });
  const link = join(binDirectory(dataDir), 'opencli');
  await rm(link, { force: true });
  await symlink(join('..', 'node_modules', '.bin', 'opencli'), link);
}

/** npm: beside the node that runs this server, else from PATH. */
async function findNpm(): Promise<string> {
  const beside = join(dirname(process.execPath), 'npm');
  return await exists(beside) ? beside : 'npm';
}

/** Copies the skills, but leaves those of others with the same name alone. Returns how many skills are offered. */
async function copySkills(dataDir: string, home: string): Promise<number> {
  const source = join(packageDirectory(dataDir), 'skills');
  const names = (await readdir(source).catch(() => [])).filter((name) => name.startsWith('opencli-'));
  const ours = new Set(await readRecord(dataDir));
  for (const directory of SKILL_DIRECTORIES) {
    await mkdir(join(home, directory), { recursive: true });
    for (const name of names) {
      const target = join(home, directory, name);
      if (!ours.has(target) && await exists(target)) continue;
      await rm(target, { recursive: true, force: true });
      await cp(join(source, name), target, { recursive: true });
      ours.add(target);
    }
  }
  await writeFile(join(openCliDirectory(dataDir), RECORD), JSON.stringify([...ours]), { mode: 0o600 });
  return names.length;
}

async function readRecord(dataDir: string): Promise<string[]> {
  try {
    const list: unknown = JSON.parse(await readFile(join(openCliDirectory(dataDir), RECORD), 'utf8'));
    const isOurs = (path: unknown) =>
      typeof path === 'string' && basename(path).startsWith('opencli-') &&
      SKILL_DIRECTORIES.some((directory) => dirname(path).endsWith(`/${directory}`));
    return Array.isArray(list) ? list.filter(isOurs) as string[] : [];
  } catch {
    return [];
  }
}

/** Ends its daemon, deletes its skills and its directory. */
export async function removeOpenCli(dataDir: string): Promise<void> {
  const program = join(binDirectory(dataDir), 'opencli');
  if (await exists(program)) await run(program, ['daemon', 'stop']);
  for (const path of await readRecord(dataDir)) await rm(path, { recursive: true, force: true });
  await rm(openCliDirectory(dataDir), { recursive: true, force: true });
  await offerOpenCli(dataDir);
}
