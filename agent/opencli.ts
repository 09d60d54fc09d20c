/**
 * OpenCLI (npm @jackwener/opencli): commands for websites and apps that agents call through their shell. Only when the user
 * asks for it: a pinned version, without install scripts, in a folder under DATA_DIR, its skills copied to where the CLIs look
 * for them. Removing takes back exactly what was put there.
 */
import { cp, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { HttpError } from '../core/http/reply.ts';
import type { ToolInfo } from '../core/wire/workshop.ts';
import { run } from './run.ts';

export const OPENCLI = { package: '@jackwener/opencli', version: '1.8.7', node: 20 };

const INSTALL_MS = 10 * 60_000;
/** Where claude and codex look for skills, below the home folder. */
const SKILL_FOLDERS = ['.claude/skills', '.agents/skills'];
const RECORD = 'skills.json';

export const openCliFolder = (dataDir: string): string => join(dataDir, 'opencli');
/** Not node_modules/.bin: folders of that name are taken from the PATH of children when this server was started by npm. */
const binFolder = (dataDir: string) => join(openCliFolder(dataDir), 'bin');
const packageFolder = (dataDir: string) => join(openCliFolder(dataDir), 'node_modules', OPENCLI.package);

const exists = (path: string) => lstat(path).then(() => true, () => false);

async function installedVersion(dataDir: string): Promise<string> {
  try {
    return String(JSON.parse(await readFile(join(packageFolder(dataDir), 'package.json'), 'utf8')).version);
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
 * Programs of the folder are found by whatever this server starts from now on. What the environment had before comes after it;
 * calling it twice changes nothing.
 */
export async function offerOpenCli(
  dataDir: string,
  env: Record<string, string | undefined> = process.env,
): Promise<void> {
  const folder = binFolder(dataDir);
  const rest = (env.PATH ?? '').split(delimiter).filter((one) => one && one !== folder);
  const isThere = await exists(join(folder, 'opencli'));
  env.PATH = (isThere ? [...rest, folder] : rest).join(delimiter);
}

export interface SyncOptions {
  dataDir: string;
  home?: string;
  nodeVersion?: string;
  /** Told one line a step. */
  tell?: (line: string) => void;
}

/** Installs the pinned version (again) and copies its skills. Throws HttpError with a sentence; then nothing is half offered. */
export async function syncOpenCli(
  { dataDir, home = homedir(), nodeVersion, tell = () => {} }: SyncOptions,
): Promise<string> {
  const unfit = nodeSentence(nodeVersion);
  if (unfit) throw new HttpError(409, 'node_too_old', `${unfit} Nothing was installed.`);
  const folder = openCliFolder(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }), { mode: 0o600 });
  tell(`installing ${OPENCLI.package}@${OPENCLI.version} into ${folder}`);
  const npm = await findNpm();
  const result = await run(npm, [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--save-exact',
    `${OPENCLI.package}@${OPENCLI.version}`,
  ], { cwd: folder, timeoutMs: INSTALL_MS });
  const version = await installedVersion(dataDir);
  if (result.code !== 0 || version !== OPENCLI.version) {
    const why = result.failure === 'ENOENT'
      ? 'npm was not found'
      : result.stderr.trim().split('\n').slice(-3).join(' ') || result.failure;
    throw new HttpError(502, 'install_failed', `OpenCLI could not be installed: ${why}`);
  }
  await linkProgram(dataDir);
  const count = await copySkills(dataDir, home);
  await offerOpenCli(dataDir);
  tell(`${count} skills for claude and codex`);
  return version;
}

async function linkProgram(dataDir: string): Promise<void> {
  await mkdir(binFolder(dataDir), { recursive: true });
  const link = join(binFolder(dataDir), 'opencli');
  await rm(link, { force: true });
  await symlink(join('..', 'node_modules', '.bin', 'opencli'), link);
}

/** npm lies beside the node that runs this server, or in PATH. */
async function findNpm(): Promise<string> {
  const beside = join(dirname(process.execPath), 'npm');
  return await exists(beside) ? beside : 'npm';
}

/** Skills of others with the same name are left alone. Gives how many skills are offered. */
async function copySkills(dataDir: string, home: string): Promise<number> {
  const source = join(packageFolder(dataDir), 'skills');
  const names = (await readdir(source).catch(() => [])).filter((name) => name.startsWith('opencli-'));
  const ours = new Set(await readRecord(dataDir));
  for (const folder of SKILL_FOLDERS) {
    await mkdir(join(home, folder), { recursive: true });
    for (const name of names) {
      const target = join(home, folder, name);
      if (!ours.has(target) && await exists(target)) continue;
      await rm(target, { recursive: true, force: true });
      await cp(join(source, name), target, { recursive: true });
      ours.add(target);
    }
  }
  await writeFile(join(openCliFolder(dataDir), RECORD), JSON.stringify([...ours]), { mode: 0o600 });
  return names.length;
}

async function readRecord(dataDir: string): Promise<string[]> {
  try {
    const list: unknown = JSON.parse(await readFile(join(openCliFolder(dataDir), RECORD), 'utf8'));
    const isOurs = (path: unknown) =>
      typeof path === 'string' && /\/(\.claude|\.agents)\/skills\/opencli-[^/]+$/.test(path);
    return Array.isArray(list) ? list.filter(isOurs) as string[] : [];
  } catch {
    return [];
  }
}

/** Ends its daemon, takes the skills back and deletes the folder. */
export async function removeOpenCli(dataDir: string): Promise<void> {
  const program = join(binFolder(dataDir), 'opencli');
  if (await exists(program)) await run(program, ['daemon', 'stop']);
  for (const path of await readRecord(dataDir)) await rm(path, { recursive: true, force: true });
  await rm(openCliFolder(dataDir), { recursive: true, force: true });
  await offerOpenCli(dataDir);
}
