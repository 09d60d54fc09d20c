/** The pages about the client say what the program does: every command, option and exit code. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMANDS } from '../../../cli/commands.ts';
import { EXIT } from '../../../cli/exit-codes.ts';

const CLIENT = [
  'ls',
  'new',
  'send',
  'wait',
  'approve',
  'deny',
  'logs',
  'stop',
  'attach',
  'claude',
  'codex',
  'open',
  'login',
  'logout',
];
const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const spec = readFileSync(new URL('../../../cli/SPEC.md', import.meta.url), 'utf8');

for (const name of CLIENT) {
  test(`${name}: its summary, its usage and the pages agree with its options`, async () => {
    const { summary, usage, options, name: own } = await COMMANDS[name]!.load();
    assert.is(own, name);
    assert.is(summary, COMMANDS[name]!.summary);
    assert.match(usage, new RegExp(`^${name}( |$)`, 'm'));
    assert.match(page, `\`${name}`);
    for (const option of Object.keys(options)) {
      assert.match(usage, `--${option}`);
      assert.match(page, new RegExp(`--${option}\\b|\`-${options[option]!.short}[ \`]`), option);
    }
    if (usage.includes('--json')) assert.match(spec, `\`${name}\``);
  });
}

test('every exit code is in the table', () => {
  for (const code of Object.values(EXIT)) assert.match(page, new RegExp(`^\\| ${code} \\| \\S`, 'm'));
});

test.run();
