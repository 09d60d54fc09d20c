import type { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CliProcess,
  type Launch,
  MAX_INPUT,
  MAX_STDERR_TAIL,
  type ProcessEnd,
  spawnProcess,
} from '../../../agent/process/child.ts';
import { createLog } from '../../../core/log.ts';
import { startFailure } from '../../../agent/process/child-errors.ts';
import { isSameProcess, processIdentity } from '../../../agent/process/identity.ts';
import { killOrphans } from '../../../agent/process/orphans.ts';
import { killProcessTree } from '../../../agent/process/process-tree.ts';
import { familyOf } from '../../../agent/process/process-tree.ts';

const PROGRAM = { name: 'Fake CLI', setting: 'FAKE_BIN', install: 'npm i -g fake' };
const directory = mkdtempSync(join(tmpdir(), 'process-test-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

interface Started {
  cli: CliProcess;
  out: () => string;
  /** Resolves when the text is in stdout. */
  said: (text: string) => Promise<void>;
  exits: ProcessEnd[];
}

function start(command: string, args: string[] = [], more: Partial<Launch> = {}): Started {
  let out = '';
  let waiting: (() => void)[] = [];
  const exits: ProcessEnd[] = [];
  const cli = spawnProcess({
    program: PROGRAM,
    command,
    args,
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdout: (chunk: Buffer) => {
      out += chunk.toString('latin1');
      for (const wake of waiting.splice(0)) wake();
    },
    exit: (end) => {
      exits.push(end);
      for (const wake of waiting.splice(0)) wake();
    },
    ...more,
  });
  const said = async (text: string) => {
    while (!out.includes(text)) {
      if (exits.length) throw new Error(`ended before it said ${text}: ${out} ${exits[0]!.text}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    waiting = [];
  };
  return { cli, out: () => out, said, exits };
}

const shell = (script: string, more: Partial<Launch> = {}) => start('/bin/sh', ['-c', script], more);
const timed = async (work: Promise<unknown>) => {
  const started = performance.now();
  await work;
  return performance.now() - started;
};
const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
const isAlive = (pid: number) => {
  const identity = processIdentity(pid);
  return identity !== null && isSameProcess(identity);
};

test('arguments arrive byte for byte, nothing is run by a shell', async () => {
  const canary = join(directory, 'canary');
  const hostile = [`$(touch ${canary})`, '`id`', ';', '"', "'", 'a\nb', '-rf', '', '😀'];
  const { cli, out } = start('/usr/bin/printf', ['%s\\0', ...hostile]);
  await cli.ended;
  assert.is(out(), latin1(hostile.map((arg) => `${arg}\0`).join('')));
  assert.not.ok(existsSync(canary));
});

test('a program is never taken from the folder that it is started in', async () => {
  const work = mkdtempSync(join(directory, 'work-'));
  const script = `#!/bin/sh\necho stranger`;
  for (const name of ['fake-cli', 'bin/fake-cli', 'uname']) {
    mkdirSync(join(work, 'bin'), { recursive: true });
    writeFileSync(join(work, name), script, { mode: 0o755 });
  }
  for (const entry of ['.', '', './', 'bin', './bin', '..']) {
    for (const PATH of [`${entry}:${process.env.PATH}`, `${process.env.PATH}:${entry}`, entry]) {
      const own = start('fake-cli', [], { cwd: work, env: { PATH } });
      assert.match((await own.cli.ended).text, 'was not found', PATH);
      const system = start('uname', [], { cwd: work, env: { PATH } });
      await system.cli.ended;
      assert.not.match(own.out() + system.out(), 'stranger', PATH);
    }
  }
});

test('the child has only file descriptors 0 to 2 and none of our variables', async () => {
  const secrets = {
    RELAY_TOKEN: 'a',
    SMTP_PASS: 'b',
    TWILIO_AUTH_TOKEN: 'c',
    SLACK_WEBHOOK_URL: 'd',
    NTFY_TOKEN: 'f',
    TELEGRAM_BOT_TOKEN: 'g',
    WEBHOOK_SECRET: 'h',
    DASHBOARD_PASSWORD: 'e',
    NODE_OPTIONS: '--x',
  };
  const { cli, out } = shell('ls /proc/$$/fd | tr "\\n" " "; env', {
    env: { PATH: process.env.PATH, USERS: 'yes', ...secrets },
  });
  await cli.ended;
  assert.match(out(), /^0 1 2 /);
  for (const name of Object.keys(secrets)) assert.not.match(out(), name);
  assert.match(out(), 'USERS=yes');
});

for (const code of [0, 1, 127]) {
  test(`exit code ${code} is reported once, with the last lines of stderr`, async () => {
    const { cli, exits } = shell(`echo boom >&2; exit ${code}`);
    const end = await cli.ended;
    assert.is(end.code, code);
    assert.is(end.expected, false);
    assert.match(end.text, /Fake CLI .*It said: boom/);
    assert.is(exits.length, 1);
  });
}

for (const name of ['SIGKILL', 'SIGSEGV']) {
  test(`an end by ${name} is reported with its name`, async () => {
    const { cli } = shell(`kill -${name.slice(3)} $$`);
    const end = await cli.ended;
    assert.is(end.signal, name);
    assert.match(end.text, `was ended by ${name}`);
  });
}

test('a missing program says how to install it or where to point to', async () => {
  const { cli, exits } = start(join(directory, 'nowhere'));
  assert.is(cli.pid, null);
  const end = await cli.ended;
  assert.match(end.text, /was not found.*npm i -g fake.*FAKE_BIN/);
  await cli.stop();
  assert.is(cli.write('x'), false);
  assert.is(exits.length, 1);
});

test('a missing directory is reported as such, not as a missing program', async () => {
  const { cli } = start('/bin/true', [], { cwd: join(directory, 'gone') });
  assert.match((await cli.ended).text, /folder .*gone is not there/);
});

test('a program without execute permission, or a directory, cannot be run', async () => {
  const file = join(directory, 'plain');
  writeFileSync(file, 'text');
  chmodSync(file, 0o644);
  mkdirSync(join(directory, 'dir'), { recursive: true });
  for (const command of [file, join(directory, 'dir')]) {
    assert.match((await start(command).cli.ended).text, 'not executable');
  }
});

test('a file that is no program of this machine ends with a sentence', async () => {
  const file = join(directory, 'noexec');
  writeFileSync(file, '\x7fELF garbage\0\0');
  chmodSync(file, 0o755);
  const end = await start(file).cli.ended;
  assert.is(end.expected, false);
  assert.ok(end.text.startsWith('Fake CLI '), end.text);
});

test('an argument with NUL is refused with a sentence', async () => {
  assert.match((await start('/bin/true', ['a\0b']).cli.ended).text, 'Fake CLI could not be started');
});

test('each way to run out of something says so', () => {
  const launch = { program: PROGRAM, command: 'x', cwd: '/' } as Launch;
  for (const code of ['EAGAIN', 'ENOMEM', 'EMFILE']) {
    assert.match(startFailure(launch, { code }), 'out of processes, memory or files');
  }
  assert.match(startFailure(launch, { code: 'E2BIG' }), 'too long');
});

test('an exit is noticed although a grandchild holds stdout open', async () => {
  const { cli, out, said } = shell('sleep 30 & echo child=$!; exit 3');
  const took = await timed(cli.ended);
  await said('child=');
  assert.is((await cli.ended).code, 3);
  assert.ok(took < 2000, `took ${took} ms`);
  await cli.stop();
  await gone(Number(/child=(\d+)/.exec(out())![1]));
});

/** Waits until a process has ended. */
async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 60 && isAlive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.not.ok(isAlive(pid), `process ${pid} still runs`);
}

test('stop asks first, then closes the input: a CLI that obeys ends with its own code', async () => {
  const { cli, said } = shell('echo up; while read line; do echo got=$line; done; exit 5');
  await said('up');
  const took = await timed(cli.stop({ interrupt: () => void cli.write('interrupt\n') }));
  const end = await cli.ended;
  assert.equal([end.code, end.expected, end.text], [5, true, '']);
  await said('got=interrupt');
  assert.ok(took < 1500);
});

test('an interrupt step that throws or never settles does not hold up the stop', async () => {
  const failing = shell('cat >/dev/null');
  await failing.cli.stop({ interrupt: () => Promise.reject(new Error('x')) });
  const hanging = shell('cat >/dev/null');
  const took = await timed(hanging.cli.stop({ interrupt: () => new Promise(() => {}) }));
  assert.ok(took < 3000);
});

test('a CLI and three grandchildren that ignore SIGINT and SIGTERM, one in another session, are gone within 7 s', async () => {
  const stubborn = `trap '' INT TERM; while :; do sleep 1; done`;
  const { cli, out, said } = shell(`
    trap '' INT TERM
    sh -c "${stubborn}" & echo a=$!
    setsid sh -c "${stubborn}" & echo b=$!
    (sh -c "${stubborn}" & echo c=$!)
    echo up; while :; do sleep 1; done`);
  await said('up');
  const pids = [...out().matchAll(/[abc]=(\d+)/g)].map((match) => Number(match[1]));
  assert.is(pids.length, 3);
  const took = await timed(cli.stop({ interrupt: () => {} }));
  assert.ok(took < 7000, `took ${took} ms`);
  for (const pid of [cli.pid!, ...pids]) assert.not.ok(isAlive(pid));
  assert.equal(await familyOf(cli.identity!), []);
  assert.not.ok(existsSync(`/proc/${cli.pid}`), 'no zombie');
});

test('what lost our mark is found by its parents as long as it stays in their session', async () => {
  const { cli, out, said } = shell(`env -i /bin/sh -c 'trap "" TERM; echo child=$$; while :; do sleep 1; done' & wait`);
  await said('child=');
  await cli.stop({ inputMs: 100 });
  await gone(Number(/child=(\d+)/.exec(out())![1]));
});

test('what a crashed CLI left in a session of its own is ended', async () => {
  const { cli, out } = shell('setsid sleep 60 & echo child=$!; kill -KILL $$');
  await cli.ended;
  await gone(Number(/child=(\d+)/.exec(out())![1]));
});

test('stop may be called many times and after the end', async () => {
  const { cli, exits } = shell('cat');
  await Promise.all([cli.stop(), cli.stop()]);
  await cli.stop();
  assert.is(exits.length, 1);
});

test('a process is known again by its start time; another with its number is not', async () => {
  const { cli, said } = shell('echo up; cat');
  await said('up');
  const identity = cli.identity!;
  assert.ok(isSameProcess(JSON.parse(JSON.stringify(identity))));
  assert.not.ok(isSameProcess({ ...identity, startTime: '1' }));
  assert.not.ok(isSameProcess({ ...identity, bootId: 'other' }));
  await cli.stop();
  assert.not.ok(isSameProcess(identity));
});

test('killProcessTree ends a process of a previous run with all it started, and nothing when the number went to another', async () => {
  const mark = 'test-mark-1';
  const child = spawn('/bin/sh', ['-c', 'setsid sleep 60 & echo $!; wait; sleep 60'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, AGENT_MONITOR_PROCESS: mark },
  });
  const grandchild = await new Promise<number>((resolve) => child.stdout.on('data', (chunk) => resolve(Number(chunk))));
  const identity = { ...processIdentity(child.pid!)!, mark };
  assert.equal(await killProcessTree({ ...identity, startTime: '1', mark: 'other' }), []);
  assert.ok(isAlive(child.pid!));
  assert.ok((await killProcessTree(identity)).length >= 2);
  await gone(child.pid!);
  await gone(grandchild);
});

test('a flood on stderr keeps only its end and cuts each line', async () => {
  let lines = 0;
  const { cli } = shell(
    `yes 'some words that go on and on' | head -200000 >&2; printf '%5000s\\n' x >&2; echo last >&2; exit 1`,
    { stderr: () => lines++ },
  );
  const end = await cli.ended;
  assert.is(lines, 200002);
  assert.ok(cli.stderrTail().length <= MAX_STDERR_TAIL);
  assert.match(end.text, 'last');
});

test('a CLI that never reads is not fed without end', async () => {
  const { cli, said } = shell('echo up; exec sleep 60');
  await said('up');
  const block = 'x'.repeat(8 * 1024 * 1024);
  let taken = 0;
  while (cli.write(block)) taken += block.length;
  assert.ok(taken <= MAX_INPUT + 2 * block.length, `${taken} bytes taken`);
  await cli.stop({ inputMs: 50 });
});

test('all of stdout comes before the exit', async () => {
  let size = 0;
  let atExit = -1;
  const { cli } = shell('head -c 3000000 /dev/zero', {
    stdout: (chunk) => size += chunk.length,
    exit: () => atExit = size,
  });
  await cli.ended;
  assert.is(atExit, 3_000_000);
});

test('where the system shows no processes, people are warned that some may have been left', async () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  await killOrphans('/nowhere', log, [], 'darwin');
  assert.match(lines.join('\n'), /darwin does not show what a previous run .* look with "ps"/);
  lines.length = 0;
  await killOrphans('/nowhere', log, [], 'linux');
  assert.equal(lines, []);
});

test.run();
