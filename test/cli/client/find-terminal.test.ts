/** Which terminal a word names. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isTerminalNamed, liveTerminals, namedTerminal, onlyTerminal } from '../../../cli/client/find-terminal.ts';
import type { TerminalInfo } from '../../../core/api/terminals.ts';

const terminal = (id: string, name: string, more: Partial<TerminalInfo> = {}) =>
  ({ id, name, directory: '/work', exited: null, createdAt: 0, ...more }) as TerminalInfo;
const claude = terminal('aaaa1111-2', 'claude');
const second = terminal('aaaa2222-2', 'claude 2', { createdAt: 2 });
const shell = terminal('bbbb1111-2', 'shell\x1b[2J', { createdAt: 1 });
const all = [claude, second, shell];

test('a whole name goes before the beginning of another', () => {
  assert.is(namedTerminal(all, 'claude'), claude);
  assert.is(namedTerminal(all, 'claude 2'), second);
  assert.is(namedTerminal(all, 'bbbb'), shell);
  assert.is(namedTerminal(all, second.id), second);
  assert.ok(isTerminalNamed(claude, 'claude') && isTerminalNamed(claude, claude.id) && !isTerminalNamed(claude, 'cl'));
});

test('several, or none, are said', () => {
  assert.throws(
    () => namedTerminal(all, 'aaaa'),
    /Several terminals fit[^]*aaaa1111 {2}claude {2}\/work\n {2}aaaa2222/,
  );
  assert.throws(
    () => namedTerminal(all, 'x\x1b'),
    (error: Error) => /no terminal "x/.test(error.message) && !error.message.includes('\x1b'),
  );
  assert.throws(() => onlyTerminal([]), /No terminal is open/);
  assert.throws(() => onlyTerminal(all), (error: Error) => !error.message.includes('\x1b'));
  assert.is(onlyTerminal([shell]), shell);
});

test('those that run, the newest first', () => {
  const ended = terminal('c', 'ended', { exited: { code: 0, signal: 0, at: 0 }, createdAt: 9 });
  assert.equal(liveTerminals([...all, ended]), [second, shell, claude]);
});

test.run();
