/** A machine without node-pty: everything else works, and the page says why there is no terminal and how to get one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { freePort, plainEnv, ROOT, startProgram, until } from '../support/harness/product.ts';

/** The project as `npm install` leaves it where node-pty does not build. */
function withoutPty(): string {
  const directory = mkdtempSync(join(tmpdir(), 'without-pty-'));
  for (const name of ['agent', 'core', 'dist', 'package.json']) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  const packages = join(directory, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'node-pty' && name !== '.bin') symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  }
  return directory;
}

test('the page says why and how, the API as well, and agents are served', async () => {
  const directory = withoutPty();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const agent = startProgram(
    process.execPath,
    ['--import', 'tsx', join(directory, 'agent/main.ts')],
    plainEnv({ PORT: String(port), DATA_DIR: join(directory, 'data') }),
    directory,
  );
  const browser = await launchBrowser();
  try {
    await until(() => agent.output(), () => fetch(`${url}/api/health`).then((answer) => answer.ok, () => false));
    const opened = await fetch(`${url}/api/terminals`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: '{}',
    });
    assert.is(opened.status, 503);
    assert.match((await opened.json() as { error: string }).error, 'npm install node-pty');
    assert.is((await fetch(`${url}/api/agents`)).status, 200);
    const { page, problems } = await openPage(browser);
    await page.goto(`${url}/#/terminals`);
    await page.getByText('Terminals are not available').waitFor();
    await page.getByText(/node-pty is not installed.*npm install node-pty/).waitFor();
    assert.is(await page.getByRole('button', { name: 'New terminal' }).count(), 0);
    assert.equal(problems, []);
  } finally {
    await browser.close();
    await agent.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
