/**
 * A terminal of the machine shown in another terminal: through cuts byte for byte, in sizes that desk and phone share, with every
 * key for the program, and the person's own terminal as it was, whatever ends it.
 */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import * as headless from '@xterm/headless';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TerminalInfo } from '../../../core/api/terminals.ts';
import { type Cli, type InTerminal, startCli } from '../../support/harness/cli.ts';
import { type Product, startProduct, until } from '../../support/harness/product.ts';
import { TestViewer } from '../../support/harness/terminal-harness.ts';
import { createThrottledLink, CUTS, type ThrottledLink } from '../../support/network/throttled-link.ts';

const ATTACH_CUTS = Number(process.env.ATTACH_CUTS ?? 20);
/** Numbered lines; between two cuts several of these come. */
const LINES = ATTACH_CUTS * 500;
const DETACH = '\x1d';
const line = (i: number) =>
  `${String(i).padStart(7, '0')} ${'é漢🙂'.repeat(i % 4)}\x1b[3${i % 8}m${'x'.repeat(i % 60)}\x1b[0m\r\n`;

let product: Product;
let cli: Cli;
/** Between the client and the relay, and between the client and the machine itself. */
let links: ThrottledLink[] = [];
let relay: string;
let localPort: number;

test.before(async () => {
  links = [await createThrottledLink(), await createThrottledLink()];
  product = await startProduct({ agentEnv: { CLAUDE_BIN: '/nonexistent', CODEX_BIN: '/nonexistent' } });
  relay = new URL(links[0]!.to(product.relayPort).replace('ws:', 'http:')).origin;
  localPort = Number(new URL(links[1]!.to(product.localPort)).port);
  cli = await startCli({ PORT: String(localPort) });
  assert.is((await cli.run(['login', relay], `${product.password}\n`)).code, 0);
  writeFileSync(
    join(cli.home, 'print.mjs'),
    `const line = ${line.toString()};
process.stdout.write('BEGIN<');
for (let i = 0; i < ${LINES}; i += 20) {
  process.stdout.write(Array.from({ length: 20 }, (_, n) => line(i + n)).join(''));
  await new Promise((resolve) => setTimeout(resolve, 40));
}
process.stdout.write('>END');`,
  );
});
test.after(async () => {
  cli?.close();
  await product?.close();
  for (const link of links) link.close();
});

const api = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(product.localUrl + path, {
    method,
    headers: { origin: product.localUrl, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return await response.json() as TerminalInfo & { terminals: TerminalInfo[] };
};
const open = async (name: string): Promise<TerminalInfo> => {
  const info = await api('POST', '/api/terminals', { directory: cli.home, name, cols: 80, rows: 24 });
  assert.ok(info.id, JSON.stringify(info));
  return info;
};
const size = async (id: string) => {
  const { cols, rows } = await api('GET', `/api/terminals/${id}`);
  return `${cols}x${rows}`;
};
/** Nobody but attach changes the terminal's settings between the two. */
const attach = (args: string): InTerminal =>
  cli.terminal(
    `stty -g > before; echo $$ > pid; agent-monitor attach ${args}; echo "code $?"; stty -g > after; echo over`,
  );
const isRestored = (terminal: InTerminal) => {
  assert.is(readFileSync(join(cli.home, 'after'), 'utf8'), readFileSync(join(cli.home, 'before'), 'utf8'));
  assert.match(terminal.text(), /\x1b\[0m[^]*code/);
};
/** The process of the client: the only child of the shell. */
const clientPid = () => {
  const shell = readFileSync(join(cli.home, 'pid'), 'utf8').trim();
  return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim());
};

for (const way of ['the relay', 'this machine'] as const) {
  test(`${ATTACH_CUTS} cuts on the way through ${way}: a numbered sequence byte for byte`, async () => {
    const link = links[way === 'the relay' ? 0 : 1]!;
    const info = await open(`cuts ${way}`);
    const terminal = attach(`'${info.name}' ${way === 'the relay' ? `--relay ${relay}` : '--local'}`);
    await terminal.sees('Leave it: Ctrl-]');
    await terminal.sees(/[#$] /);
    terminal.type(`stty -opost -echo; ${process.execPath} print.mjs; stty opost echo\r`);
    await terminal.sees('BEGIN<');
    let cuts = 0;
    for (let seen = 0; cuts < ATTACH_CUTS && !terminal.text().includes('>END'); cuts++) {
      await until('more output', () => terminal.bytes().length > seen);
      link.cut(CUTS[cuts % 3]);
      seen = terminal.bytes().length;
    }
    await terminal.sees('>END', 60_000);
    const all = terminal.bytes();
    const shown = all.subarray(all.indexOf('BEGIN<') + 6, all.indexOf('>END'));
    const wanted = Buffer.from(Array.from({ length: LINES }, (_, i) => line(i)).join(''));
    assert.is(cuts, ATTACH_CUTS);
    assert.is(shown.length, wanted.length);
    assert.ok(shown.equals(wanted));
    terminal.type(DETACH);
    await terminal.sees('over');
    assert.match(terminal.text(), 'code 0');
    isRestored(terminal);
  });
}

test('the smallest of desk and phone counts, of those that look', async () => {
  const { id } = await open('sizes');
  const desk = attach(`sizes --local`);
  await desk.sees(/[#$] /);
  const is = (wanted: string) => until(`${wanted}`, async () => await size(id) === wanted);
  await is('80x24');
  const phone = await TestViewer.open(product.localUrl.replace('http', 'ws'), id, {
    headers: { origin: product.localUrl },
    cols: 50,
    rows: 40,
  });
  await is('50x24');
  desk.resize(120, 50);
  await is('50x40');
  phone.resize(50, 40, false);
  await is('120x50');
  phone.resize(50, 40, true);
  await is('50x40');
  desk.type(DETACH);
  await desk.sees('over');
  phone.resize(44, 60);
  await is('44x60');
  phone.socket.terminate();
});

test('Ctrl-C is for the program', async () => {
  await open('keys');
  const desk = attach('keys --local');
  await desk.sees(/[#$] /);
  desk.type(`sh -c 'trap "echo got-$((1+1))" INT; echo ready-$((1+1)); sleep 30; echo after-$((1+1))'\r`);
  await desk.sees('ready-2');
  desk.type('\x03');
  await desk.sees('got-2');
  await desk.sees('after-2');
  desk.type(DETACH);
  await desk.sees('code 0');
});

test('ended by a signal, by two, by a closed window, by a fault of its own: the terminal is as it was', async () => {
  await open('restored');
  writeFileSync(join(cli.home, 'fault.cjs'), `process.on('SIGUSR2', () => { throw new Error('a fault'); });`);
  const ways: [string, (pid: number) => void, number][] = [
    ['', (pid) => process.kill(pid, 'SIGTERM'), 130],
    ['', (pid) => process.kill(pid, 'SIGHUP'), 0],
    [`NODE_OPTIONS="--require ${join(cli.home, 'fault.cjs')}" `, (pid) => process.kill(pid, 'SIGUSR2'), 1],
  ];
  for (const [before, end, code] of ways) {
    const desk = cli.terminal(
      `stty -g > before; echo $$ > pid; ${before}agent-monitor attach restored --local; echo "code $?"; stty -g > after; echo over`,
    );
    await desk.sees(/[#$] /);
    desk.type(`printf '\\033[?1049h\\033[?25lfull screen'\r`);
    await desk.sees('\x1b[?1049h');
    end(clientPid());
    await desk.sees('over');
    assert.match(desk.text(), `code ${code}`);
    assert.match(desk.text(), /\x1b\[\?1049l[^]*code/);
    isRestored(desk);
    desk.kill();
  }
});

test('a server that is away is said in a line; what was typed arrives, and the screen is whole again', async () => {
  const { id } = await open('away');
  const desk = attach('away --local');
  await desk.sees(/[#$] /);
  desk.type(`PS1='> '; echo ready-$((1+1))\r`);
  await desk.sees('ready-2');
  await product.agent!.kill('SIGKILL');
  await desk.sees('Connection lost: trying again', 30_000);
  desk.type(`echo typed-$((1+1))\r`);
  await product.startAgent();
  await desk.sees('typed-2', 30_000);
  const fresh = await TestViewer.open(product.localUrl.replace('http', 'ws'), id, {
    headers: { origin: product.localUrl },
  });
  await fresh.until('the repaint', () => fresh.repaint.toString().includes('typed-2'));
  const begin = desk.bytes().lastIndexOf('\x1b[H\x1b[2J');
  const isSame = async () =>
    await rowsOf(desk.bytes().subarray(begin)) === await rowsOf(Buffer.concat([fresh.repaint, fresh.bytes()]));
  await until('the same screen', isSame);
  assert.not.match(await rowsOf(desk.bytes().subarray(begin)), 'Connection lost');
  fresh.socket.terminate();
  desk.type(DETACH);
  await desk.sees('code 0');
  isRestored(desk);
});

test('without a name the only terminal; of several it names them', async () => {
  const { terminals } = await api('GET', '/api/terminals');
  const several = attach('--local');
  await several.sees('code 2');
  assert.match(several.text(), 'Name one of these terminals');
  for (const { id, name } of terminals) if (name !== 'away') await api('DELETE', `/api/terminals/${id}`);
  const only = attach('--local');
  await only.sees('Terminal "away"');
  only.type(DETACH);
  await only.sees('code 0');
  const none = attach('nothing --local');
  await none.sees('code 5');
});

async function rowsOf(bytes: Buffer): Promise<string> {
  const { Terminal } = (headless as unknown as { default?: typeof headless }).default ?? headless;
  const terminal = new Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(bytes, resolve));
  const { active } = terminal.buffer;
  const rows = Array.from(
    { length: 24 },
    (_, y) => active.getLine(active.viewportY + y)?.translateToString(true) ?? '',
  );
  terminal.dispose();
  return rows.join('\n').trimEnd();
}

test.run();
