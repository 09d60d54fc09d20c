import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  clampSize,
  helloQuery,
  MAX_SIZE,
  parseCreateTerminal,
  parseHello,
  parseTerminalCommand,
} from '../../../core/api/terminals.ts';

test('a hello comes through the address whole', () => {
  for (const offset of [null, 0, 2 ** 50]) {
    const hello = { client: 'abcd-1234_X', offset, cols: 99, rows: 10, active: offset === null };
    assert.equal(parseHello(new URLSearchParams(helloQuery(hello))), hello);
  }
});

test('a hello that is none is refused', () => {
  for (
    const query of ['', 'client=short', 'client=%3Cscript%3E', 'client=12345678&offset=-1', 'client=12345678&offset=x']
  ) {
    assert.is(parseHello(new URLSearchParams(query)), null, query);
  }
});

test('sizes are kept in bounds', () => {
  assert.equal(clampSize(NaN, Infinity), { cols: 80, rows: 24 });
  assert.equal(clampSize(1e9, -3), { cols: MAX_SIZE.cols, rows: 1 });
  assert.equal(clampSize(80.9, 24.2), { cols: 80, rows: 24 });
});

test('commands have the right fields or are none', () => {
  assert.equal(parseTerminalCommand('{"type":"ack","offset":5,"x":1}'), { type: 'ack', offset: 5 });
  assert.equal(parseTerminalCommand('{"type":"size","cols":9999,"rows":5,"active":true}'), {
    type: 'size',
    cols: MAX_SIZE.cols,
    rows: 5,
    active: true,
  });
  for (
    const text of ['[]', '5', '{', '{"type":"size","cols":"1","rows":1,"active":true}', '{"type":"ack","offset":1e99}']
  ) {
    assert.is(parseTerminalCommand(text), null, text);
  }
});

test('what opens a terminal is checked field by field', () => {
  assert.equal(parseCreateTerminal({ cols: 80, command: 'codex', other: 1, name: null }), {
    cols: 80,
    command: 'codex',
  });
  for (
    const body of [{ cols: 0 }, { rows: 1.5 }, { command: 'sh' }, { directory: ' ' }, { name: 'x'.repeat(101) }, {
      clientId: 'x',
    }, []]
  ) {
    assert.throws(() => parseCreateTerminal(body), /must be/, JSON.stringify(body));
  }
});

test('a program of the desk: its words and variables are checked, and stand beside a folder', () => {
  const desk = { args: ['-p', '', '$(x) "y"'], env: { PATH: '/bin', EMPTY: '' } };
  const body = { command: 'claude', directory: '/work', desk };
  assert.equal(parseCreateTerminal(body), body);
  for (
    const wrong of [
      { ...body, command: 'shell' },
      { command: 'claude', desk },
      { ...body, agentId: 'a' },
      {
        ...body,
        desk: { args: [] },
      },
      { ...body, desk: { env: {} } },
      { ...body, desk: { args: 'x', env: {} } },
    ]
  ) {
    assert.throws(() => parseCreateTerminal(wrong), /must|missing/, JSON.stringify(wrong));
  }
  const withEnv = (env: object) => () => parseCreateTerminal({ ...body, desk: { args: [], env } });
  for (const name of ['A=B', '1A', '', 'BASH_FUNC_x%%', 'A B', 'é']) assert.throws(withEnv({ [name]: '' }), /named by/);
  for (const value of [1, null, 'a\0b']) assert.throws(withEnv({ A: value }), /"desk.env.A" must be/);
  const many = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`V${i}`, '']));
  assert.throws(withEnv(many), /at most 2000 variables/);
  const words = (count: number, length: number) => ({ args: Array.from({ length: count }, () => 'x'.repeat(length)) });
  const withArgs = (args: object) => parseCreateTerminal({ ...body, desk: { env: {}, ...args } });
  withArgs(words(3, 128 * 1024));
  assert.throws(() => withArgs(words(1, 128 * 1024 + 1)), /at most 131072 characters/);
  assert.throws(() => withArgs({ args: [...words(3, 128 * 1024).args, 'x'] }), /at most 393216 characters in all/);
  assert.throws(() => withArgs(words(1001, 0)), /a list of at most 1000/);
});

test.run();
