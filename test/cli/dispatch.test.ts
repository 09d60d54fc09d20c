import { PassThrough } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command, CommandEntry } from '../../cli/command.ts';
import { dispatch } from '../../cli/dispatch.ts';
import { CommandError, EXIT } from '../../cli/exit-codes.ts';
import { editDistance, nearest } from '../../cli/suggest.ts';

const echo: Command = {
  name: 'echo',
  summary: 'print what was given',
  usage: 'echo <text> [--loud]',
  options: { loud: { type: 'boolean' } },
  run: (context) => {
    const text = context.positionals.join(' ');
    if (text === 'missing') throw new CommandError('There is no agent "missing".', EXIT.notFound);
    if (text === 'broken') throw new TypeError('broken');
    context.stdout.write(JSON.stringify({ text, loud: context.values.loud === true, json: context.json }));
    return Promise.resolve(text === 'seven' ? 7 : 0);
  },
};
const commands: Record<string, CommandEntry> = {
  echo: { summary: echo.summary, load: () => Promise.resolve(echo) },
  all: { summary: 'all', load: () => Promise.resolve({ ...echo, name: 'all', isPassThrough: true }) },
  run: { summary: 'run', load: () => Promise.resolve({ ...echo, name: 'run' }) },
};

async function call(...args: string[]) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const code = await dispatch(args, {
    version: '1.2.3',
    env: {},
    commands,
    stdout: streams.stdout as unknown as NodeJS.WriteStream,
    stderr: streams.stderr as unknown as NodeJS.WriteStream,
  });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, out: text(streams.stdout), err: text(streams.stderr) };
}

test('a command gets its options and positionals, and its code is the exit code', async () => {
  const { code, out } = await call('echo', 'a', 'b', '--loud', '--json');
  assert.equal(code, 0);
  assert.equal(JSON.parse(out), { text: 'a b', loud: true, json: true });
  assert.is((await call('echo', 'seven')).code, 7);
});

test('a command that passes everything on reads no option, and has its help behind the word help', async () => {
  const { code, out } = await call('all', '--help', '--json', '--', '-x', '--unknown=1');
  assert.equal([code, JSON.parse(out)], [0, { text: '--help --json -- -x --unknown=1', loud: false, json: false }]);
  assert.match((await call('help', 'all')).out, 'Usage: agent-monitor echo <text>');
  const { err, out: nothing } = await call('all', 'missing');
  assert.equal([err, nothing], ['There is no agent "missing".\n', '']);
});

test('what follows -- is no option', async () => {
  assert.is(JSON.parse((await call('echo', '--', '--loud')).out).text, '--loud');
});

test('without a command, run: also when the first argument is an option', async () => {
  assert.equal(JSON.parse((await call()).out), { text: '', loud: false, json: false });
  assert.equal(JSON.parse((await call('--loud')).out), { text: '', loud: true, json: false });
});

test('--version and --help', async () => {
  assert.is((await call('--version')).out, '1.2.3\n');
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { code, out } = await call(...args);
    assert.is(code, 0);
    assert.match(out, /echo +print what was given/);
    assert.match(out, /2 +the command line is wrong/);
  }
  for (const args of [['echo', '--help'], ['help', 'echo'], ['echo', '-h', 'x']]) {
    assert.match((await call(...args)).out, /Usage: agent-monitor echo <text> \[--loud\]/);
  }
});

test('an unknown command is a usage error with the nearest name', async () => {
  for (const [word, near] of [['ehco', 'echo'], ['ech', 'echo'], ['rnu', 'run']]) {
    const { code, err } = await call(word!);
    assert.is(code, EXIT.usage);
    assert.is(err, `There is no command "${word}": did you mean ${near}?\n`);
  }
  assert.match((await call('constructor')).err, /agent-monitor --help lists/);
  assert.match((await call('x')).err, /agent-monitor --help lists/);
});

test('an unknown option is a usage error that names the help', async () => {
  for (const args of [['echo', '--lout'], ['echo', '-z'], ['--lout']]) {
    const { code, err } = await call(...args);
    assert.is(code, EXIT.usage);
    assert.match(err, /^Unknown option '-.*'\. See agent-monitor (echo|run) --help\.\n$/);
  }
});

test('errors are one sentence, as JSON with --json', async () => {
  assert.equal(await call('echo', 'missing'), { code: 5, out: '', err: 'There is no agent "missing".\n' });
  const { code, out, err } = await call('echo', 'missing', '--json');
  assert.equal([code, JSON.parse(out), err], [5, { error: 'There is no agent "missing".', exitCode: 5 }, '']);
  assert.equal(await call('echo', 'broken'), { code: 1, out: '', err: 'broken\n' });
});

test('nearest: a swapped, a missing and a wrong letter are near; another word is not', () => {
  const names = ['deploy', 'doctor', 'send', 'ls', 'new'];
  assert.is(nearest('dpeloy', names), 'deploy');
  assert.is(nearest('docter', names), 'doctor');
  assert.is(nearest('sl', names), 'ls');
  assert.is(nearest('q', names), null);
  assert.is(nearest('restart', names), null);
  assert.is(editDistance('', 'abc'), 3);
  assert.is(editDistance('abc', 'abc'), 0);
  assert.is(editDistance('ca', 'abc'), 3);
});

test.run();
