/** Real PTYs through the local server and the terminal socket. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LOCAL_TOKEN_FIELD, readLocalToken } from '../../agent/access/local-token.ts';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TERMINAL_CLOSE } from '../../core/api/terminals.ts';
import { type TerminalHarness, terminalHarness } from '../support/harness/terminal-harness.ts';

let lab: TerminalHarness;
test.before.each(async () => {
  process.env.RELAY_TOKEN = 'must-not-be-inherited';
  lab = await terminalHarness();
});
test.after.each(async () => {
  delete process.env.RELAY_TOKEN;
  await lab.close();
});

/** A shell without start files, so that what it prints is known. */
async function shell(options: Parameters<TerminalHarness['view']>[1] = {}) {
  const info = await lab.open({ cols: 80, rows: 24 });
  const viewer = await lab.view(info.id, options);
  viewer.type(`exec env PS1='$ ' /bin/sh\r`);
  await viewer.sees(/\$ $/);
  return { id: info.id, viewer };
}

test('what is typed runs, and its output comes', async () => {
  const { viewer } = await shell();
  viewer.type('echo $((6 * 7))-héé-😀\r');
  await viewer.sees('42-héé-😀');
});

test('several are listed under names of their own, can be renamed, and are published', async () => {
  const first = await lab.open();
  const second = await lab.open({ name: 'build' });
  const { body } = await lab.request('GET', '/api/terminals');
  assert.equal(body.terminals.map(({ name }: { name: string }) => name), ['shell', 'build']);
  assert.equal([body.available, body.text], [true, '']);
  const renamed = await lab.request('POST', `/api/terminals/${first.id}/rename`, { name: 'web' });
  assert.is(renamed.body.name, 'web');
  const changes = lab.context.published.filter((change) => change.type === 'terminal');
  assert.ok(changes.some((change) => change.type === 'terminal' && change.terminal.id === second.id));
  assert.ok(lab.context.lines.some((line) => /\[Audit\] terminal opened .*command=shell/.test(line)));
});

test('the same clientId makes one terminal', async () => {
  const clientId = '7d9c4a3e-0000-4000-8000-000000000001';
  const [a, b] = await Promise.all([lab.open({ clientId }), lab.open({ clientId })]);
  assert.is(a.id, b.id);
  assert.is(lab.terminals.list().length, 1);
});

test('the environment is clean, and only 0, 1 and 2 are open', async () => {
  const other = await lab.open(); // its PTY must not be inherited
  const { viewer } = await shell();
  viewer.type('echo "<$RELAY_TOKEN|$TERM|$COLORTERM>"; echo pid=$$\r');
  const pid = await viewer.until('pid', () => /pid=(\d+)\r/.exec(viewer.text())?.[1]);
  assert.match(viewer.text(), '<|xterm-256color|truecolor>');
  const inherited = new Set(readdirSync(`/proc/${process.pid}/fd`).map((fd) => link(process.pid, fd)));
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => link(Number(pid), fd)).filter((target) => target);
  // What this test was started with (a pipe of its caller) is not ours.
  const own = fds.filter((target) => /^\/dev\/(pts\/\d+|tty)$/.test(target) === false && !inherited.has(target));
  assert.equal(own, []);
  assert.not.ok(fds.some((target) => /ptmx/.test(target)), `${other.id} is inherited`);
  assert.not.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), 'must-not-be-inherited');
});
const link = (pid: number, fd: string) => {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
};

test('this process itself holds no PTY that a CLI could inherit', async () => {
  await lab.open();
  const targets = readdirSync(`/proc/${process.pid}/fd`).map((fd) => link(process.pid, fd));
  assert.equal(targets.filter((target) => /ptmx|pts/.test(target)).length, 0);
});

test('who comes back gets exactly what was missed', async () => {
  const { id, viewer } = await shell();
  viewer.type('seq 1 20000 | sed s/^/n/\r');
  await viewer.sees('n5000\r\n');
  await viewer.cut();
  const before = viewer.bytes();
  const back = await lab.view(id, { client: viewer.client, offset: viewer.offset });
  await back.sees(/n20000\r\n\$ $/);
  assert.is(back.messages[0]!.type, 'attached');
  const numbers = Buffer.concat([before, back.bytes()]).toString().match(/(?<=\nn)\d+(?=\r\n)/g)!;
  assert.equal(numbers, Array.from({ length: 20000 }, (_, i) => String(i + 1)));
});

test('a newcomer gets the screen first, then live output', async () => {
  const { id, viewer } = await shell();
  viewer.type('printf "\\033[31mred\\033[0m"; echo first\r');
  await viewer.sees('redfirst'.slice(3) + '\r\n$ ');
  const other = await lab.view(id);
  const attached = await other.until('attached', () => other.last('attached'));
  assert.ok(attached.reset);
  await other.until('repaint', () => other.repaint.length === attached.repaint || null);
  assert.match(other.repaint.toString(), '\x1b[0;31mred\x1b[mfirst');
  viewer.type('echo second\r');
  await other.sees('second\r\n');
  assert.not.match(other.text(), 'first');
});

test('input that was lost on the way is asked for again, and nothing is typed twice', async () => {
  const { id, viewer } = await shell();
  viewer.type('echo on');
  await viewer.sees('echo on');
  await viewer.cut();
  const back = await lab.view(id, { client: viewer.client, offset: viewer.offset });
  const { input } = await back.until('attached', () => back.last('attached'));
  const typed = `exec env PS1='$ ' /bin/sh\recho one-two-three\r`;
  back.type(typed.slice(input!));
  await back.sees('one-two-three\r\n$ ');
  const all = Buffer.concat([viewer.bytes(), back.bytes()]).toString();
  assert.is(all.match(/one-two-three\r\n/g)!.length, 2); // echo and output
});

test('a client that sends beyond its window is refused', async () => {
  const { viewer } = await shell();
  viewer.type('sleep 5\r');
  for (let i = 0; i < 6; i++) viewer.type('x'.repeat(16 * 1024));
  await viewer.until('closed', () => viewer.closed);
  assert.is(viewer.closed!.code, 1008);
});

test('a newer connection of the same client replaces the older one', async () => {
  const { id, viewer } = await shell();
  const again = await lab.view(id, { client: viewer.client, offset: viewer.offset });
  await viewer.until('closed', () => viewer.closed);
  assert.is(viewer.closed!.code, TERMINAL_CLOSE.replaced);
  again.type('echo still\r');
  await again.sees('still\r\n');
});

test('the smallest active viewer decides the size', async () => {
  const { id, viewer } = await shell({ cols: 120, rows: 40 });
  const phone = await lab.view(id, { cols: 45, rows: 50 });
  await viewer.until('small', () => viewer.last('size')?.cols === 45 || null);
  viewer.type('stty size\r');
  await viewer.sees('40 45\r\n');
  phone.resize(45, 20, false); // only watches now
  await viewer.until('large', () => viewer.last('size')?.cols === 120 || null);
  viewer.type('stty size\r');
  await viewer.sees('40 120\r\n');
});

test('Ctrl-C ends `yes` within 300 ms, and nothing grows', async () => {
  const { viewer } = await shell();
  viewer.type('yes\r');
  await viewer.until('5 MB', () => viewer.offset > 5e6 || null, 20_000);
  const started = performance.now();
  viewer.type('\x03');
  await viewer.sees(/\^C[^]*\$ $/, 5000);
  const ms = performance.now() - started;
  assert.ok(ms < 300, `${ms} ms`);
});

test('the exit comes after all output, and the terminal can still be looked at', async () => {
  const { id, viewer } = await shell();
  viewer.type('stty -echo; exec seq 1 30000\r');
  await viewer.until('exit', () => viewer.last('exit'));
  assert.match(viewer.text(), /\n30000\r\n$/);
  assert.equal(viewer.last('exit'), { type: 'exit', code: 0, signal: 0 });
  const late = await lab.view(id);
  await late.until('exit', () => late.last('exit'));
  assert.match(late.repaint.toString(), /30000/);
  assert.is((await lab.request('GET', `/api/terminals/${id}`)).body.exited.code, 0);
});

test('closing ends the whole session, also what ignores SIGHUP', async () => {
  const { id, viewer } = await shell();
  const script = join(lab.directory, 'stubborn.sh');
  writeFileSync(script, 'trap "" HUP INT TERM\necho pid=$$\nwhile :; do sleep 1; done\n');
  viewer.type(`sh ${script} & sh ${script}\r`);
  const pids = await viewer.until('pids', () => {
    const found = [...viewer.text().matchAll(/pid=(\d+)\r/g)].map((match) => Number(match[1]));
    return found.length === 2 ? found : null;
  });
  const { status } = await lab.request('DELETE', `/api/terminals/${id}`);
  assert.is(status, 200);
  assert.equal(pids.filter(isAlive), []);
  assert.is(viewer.closed?.code ?? (await viewer.until('closed', () => viewer.closed)).code, TERMINAL_CLOSE.gone);
  assert.is((await lab.request('GET', `/api/terminals/${id}`)).status, 404);
});
const isAlive = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('a megabyte of input arrives whole', async () => {
  const { viewer } = await shell();
  const file = join(lab.directory, 'pasted');
  viewer.type(`cat > ${file}\r`);
  await viewer.sees(`cat > ${file}\r\n`);
  const text = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${'x'.repeat(40)}\n`).join('');
  const base = viewer.last('attached')!.input!;
  let sent = Buffer.byteLength(`exec env PS1='$ ' /bin/sh\rcat > ${file}\r`);
  const end = sent + text.length;
  const first = sent;
  while (sent < end) {
    const taken = viewer.last('input')?.offset ?? base;
    const room = Math.min(16 * 1024, taken + 64 * 1024 - sent);
    if (room > 0) {
      viewer.type(text.slice(sent - first, sent - first + room));
      sent += Math.min(room, end - sent);
    } else await viewer.until('taken', () => (viewer.last('input')?.offset ?? base) > taken || null);
  }
  await viewer.until('all taken', () => viewer.last('input')?.offset === end || null);
  viewer.type('\x04');
  await viewer.sees(/\$ $/);
  assert.is(readFileSync(file, 'utf8'), text);
});

test('a CLI that is not there says so on the screen', async () => {
  await lab.close();
  lab = await terminalHarness({ programs: { claude: '/nowhere/claude', codex: 'codex' } });
  const info = await lab.open({ command: 'claude' });
  const viewer = await lab.view(info.id);
  const exit = await viewer.until('exit', () => viewer.last('exit'));
  assert.is(exit.code, 127);
  assert.match(viewer.repaint.toString() + viewer.text(), /claude: not found/);
});

test('a session that is named at the desk is let go by its agent; the words are those of the desk', async () => {
  await lab.close();
  const bin = join(mkdtempSync(join(tmpdir(), 'cli-')), 'claude');
  writeFileSync(bin, '#!/bin/sh\necho "args: $*, key $KEY"\nread -r line\n', { mode: 0o755 });
  lab = await terminalHarness({ programs: { claude: bin, codex: 'codex' } });
  const sessionId = '0b9cf1b4-1111-4222-8333-944445555666';
  const agent = await lab.agents.create({ directory: lab.directory, provider: 'claude' }, 'test');
  lab.agents.set(agent.id, { sessionId, state: 'running' });
  const body = {
    command: 'claude',
    directory: lab.directory,
    desk: { args: ['--resume', sessionId.toUpperCase(), '-p'], env: { PATH: '/usr/bin:/bin', KEY: 'k' } },
  };
  const proof = { [LOCAL_TOKEN_FIELD]: readLocalToken(join(lab.directory, 'data')) };
  assert.is((await lab.request('POST', '/api/terminals', body)).status, 403);
  assert.is((await lab.request('POST', '/api/terminals', body, proof)).body.code, 'agent_busy');
  lab.agents.set(agent.id, { state: 'idle' });
  const { status, body: info } = await lab.request('POST', '/api/terminals', body, proof);
  assert.equal([status, info.agentId, lab.agents.lent.length], [201, agent.id, 1]);
  const viewer = await lab.view(info.id);
  const shown = () => (viewer.repaint.toString() + viewer.text()).replaceAll('\r\n', '');
  await viewer.until('the words', () => shown().includes(`args: --resume ${sessionId.toUpperCase()} -p, key k`));
  viewer.type('\r');
  await viewer.until('exit', () => viewer.last('exit'));
  for (let i = 0; lab.agents.lent.length && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(lab.agents.lent, []);
});

test('a CLI takes up the session of its agent, whose own process has let go of it', async () => {
  await lab.close();
  const bin = join(mkdtempSync(join(tmpdir(), 'cli-')), 'claude');
  writeFileSync(bin, '#!/bin/sh\necho "args: $*, in $(pwd)"\n', { mode: 0o755 });
  lab = await terminalHarness({ programs: { claude: bin, codex: 'codex' } });
  const agent = await lab.agents.create({ directory: lab.directory, provider: 'claude' }, 'test');
  lab.agents.set(agent.id, { sessionId: 'session-1', state: 'running' });
  const busy = await lab.request('POST', '/api/terminals', { agentId: agent.id, command: 'claude' });
  assert.equal([busy.status, busy.body.code, lab.agents.lent], [409, 'agent_busy', []]);
  lab.agents.set(agent.id, { state: 'idle' });
  const info = await lab.open({ agentId: agent.id, command: 'claude' });
  assert.equal([info.agentId, info.directory], [agent.id, lab.directory]);
  const viewer = await lab.view(info.id);
  await viewer.until('exit', () => viewer.last('exit'));
  assert.match(viewer.repaint.toString() + viewer.text(), `args: --resume=session-1, in ${lab.directory}`);
  for (let i = 0; lab.agents.lent.length && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(lab.agents.lent, [], 'the session is given back');
});

/** A CLI in raw mode that stops itself at Ctrl+Z as CLIs do, and says what it reads. */
const SUSPENDING = `#!${process.execPath}
const [, , target, signal] = process.argv;
const raw = (on) => process.stdin.setRawMode(on);
process.on('SIGCONT', () => (raw(true), console.log('resumed ' + target + ' ' + signal)));
process.stdin.on('data', (bytes) => {
  const text = bytes.toString();
  if (text !== '\\x1a' && text !== '\\x1b[122;5u') return console.log('got ' + JSON.stringify(text));
  raw(false);
  console.log('suspended');
  setTimeout(() => process.kill(target === 'group' ? 0 : process.pid, signal), 20);
});
raw(true);
console.log('ready');
`;
for (const [target, stop] of [['itself', 'SIGSTOP'], ['group', 'SIGSTOP'], ['group', 'SIGTSTP']] as const) {
  test(`Ctrl+Z in a program without a shell that stops ${target} by ${stop}: it goes on`, async () => {
    await lab.close();
    const directory = mkdtempSync(join(tmpdir(), 'cli-'));
    writeFileSync(join(directory, 'cli.cjs'), SUSPENDING);
    const bin = join(directory, 'claude');
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${directory}/cli.cjs' ${target} ${stop}\n`, {
      mode: 0o755,
    });
    lab = await terminalHarness({ programs: { claude: bin, codex: 'codex' } });
    const info = await lab.open({ command: 'claude' });
    const viewer = await lab.view(info.id);
    const seen = () => viewer.repaint.toString() + viewer.text();
    await viewer.until('ready', () => seen().includes('ready'));
    for (const [i, key] of ['\x1a', '\x1b[122;5u'].entries()) {
      const resumed = seen().split('resumed').length;
      viewer.type(key);
      await viewer.until('suspended', () => seen().split('suspended').length > i + 1);
      // Also where the kernel does not stop it: it waits to be told.
      await viewer.until('resumed', () => seen().split('resumed').length > resumed);
      viewer.type(`${i}`);
      await viewer.until('the next key', () => seen().includes(`got "${i}"`));
      await new Promise((resolve) => setTimeout(resolve, 1600)); // what is still sent for this key is over
    }
  });
}

test('Ctrl+Z in a shell stops its job, as everywhere', async () => {
  const { viewer } = await shell();
  viewer.type('sleep 300\r');
  await viewer.sees('sleep 300');
  await new Promise((resolve) => setTimeout(resolve, 300));
  viewer.type('\x1a');
  await viewer.sees(/[Ss]topped/);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  viewer.type('jobs; kill %1; fg\r');
  await viewer.until('still stopped', () => /jobs[^]*[Ss]topped/.exec(viewer.text()));
});

test('a terminal is in its directory until it is closed, and is closed when its agent is deleted', async () => {
  const agent = await lab.agents.create({ directory: lab.directory, provider: 'claude' }, 'test');
  const info = await lab.open({ agentId: agent.id, name: 'mine' });
  const [use] = [...lab.agents.uses];
  assert.equal(use && [use.label, use.directory, use.agentId, use.isOver], [
    'The terminal "mine"',
    realpathSync(lab.directory),
    agent.id,
    false,
  ]);
  await use!.close!();
  assert.equal([lab.agents.uses.size, lab.terminals.list()], [0, []]);
  assert.is((await lab.request('GET', `/api/terminals/${info.id}`)).status, 404);
});

test('wrong requests are refused with a sentence', async () => {
  const cases: [string, string, unknown, number][] = [
    ['POST', '/api/terminals', { directory: 'relative' }, 400],
    ['POST', '/api/terminals', { directory: '/no/such/folder' }, 400],
    ['POST', '/api/terminals', { command: 'rm' }, 400],
    ['POST', '/api/terminals', { cols: 1e9 }, 400],
    ['POST', '/api/terminals', { agentId: 'none' }, 404],
    ['GET', '/api/terminals/none', undefined, 404],
    ['POST', '/api/terminals/none/rename', { name: 'x' }, 404],
  ];
  for (const [method, path, body, status] of cases) {
    const answer = await lab.request(method, path, body);
    assert.is(answer.status, status, `${path} ${JSON.stringify(body)}`);
    assert.type(answer.body.error, 'string');
  }
});

test('TERMINAL=off opens none and says why', async () => {
  await lab.close();
  lab = await terminalHarness({ terminal: false });
  const { status, body } = await lab.request('POST', '/api/terminals', {});
  assert.is(status, 503);
  assert.match(body.error, 'TERMINAL=off');
  assert.is(lab.terminals.availability().available, false);
});

test.run();
