/** HAPI's dashboard (`@twsxtd/hapi` of npm) beside ours: installed in a directory of its own, with a home of its own. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort, plainEnv, startProgram, until } from '../../test/support/harness/product.ts';

const PACKAGE = '@twsxtd/hapi';
/** Without the network npm tries for minutes, ms. */
const MAX_INSTALL_MS = 180_000;

export interface Hapi {
  version: string;
  /** Signs in. */
  url: string;
  /** What is there when its list is drawn. */
  selector: string;
  close(): Promise<void>;
}

/** @returns it, or why it is not there */
export async function openHapi(): Promise<Hapi | string> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-hapi-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const npm = ['install', '--no-audit', '--no-fund', '--prefix', directory, PACKAGE];
    execFileSync('npm', npm, { stdio: 'ignore', timeout: MAX_INSTALL_MS });
  } catch (error) {
    remove();
    return `${PACKAGE} could not be installed: ${(error as Error).message.split('\n')[0]}`;
  }
  const bin = join(directory, 'node_modules/.bin/hapi');
  const [port, token] = [await freePort(), randomBytes(16).toString('hex')];
  const env = {
    HOME: directory,
    HAPI_HOME: join(directory, 'home'),
    HAPI_LISTEN_HOST: '127.0.0.1',
    HAPI_LISTEN_PORT: String(port),
    CLI_API_TOKEN: token,
  };
  const program = startProgram(bin, ['hub'], plainEnv(env), directory);
  const close = async () => {
    await program.kill();
    remove();
  };
  try {
    const url = `http://127.0.0.1:${port}/`;
    await until(() => program.output(), () => fetch(url).then(({ ok }) => ok, () => false));
    const printed = execFileSync(bin, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
    const version = /\d[\w.-]*/.exec(printed)?.[0] ?? '';
    return { version, url: `${url}?token=${token}`, selector: '.session-list-new-button', close };
  } catch (error) {
    await close();
    return `${PACKAGE} does not start: ${(error as Error).message}`;
  }
}
