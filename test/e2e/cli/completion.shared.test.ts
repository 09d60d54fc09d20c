import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMANDS } from '../../../cli/commands.ts';
import { bashCompletion, type CompletedCommand, fishCompletion, zshCompletion } from '../../../cli/completion.ts';

const commands: CompletedCommand[] = await Promise.all(Object.values(COMMANDS).map(({ load }) => load()));

/** What bash offers behind these words. */
function bash(...words: string[]): string[] {
  const script = `${bashCompletion(commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _agent_monitor; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'agent-monitor', ...words], { encoding: 'utf8' });
  assert.is(stderr, '');
  return stdout.split('\n').filter(Boolean);
}

test('the table names each command as it names itself, with the same summary', async () => {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = await load();
    assert.is(command.name, name);
    assert.is(command.summary, summary);
    assert.ok(command.usage.startsWith(name), `${name}: ${command.usage.split('\n')[0]}`);
  }
});

test('bash completes commands, options and words', () => {
  assert.equal(bash('do'), ['doctor']);
  assert.equal(bash('--v'), ['--version']);
  assert.ok(bash('').includes('service') && bash('').includes('ls'));
  assert.equal(bash('service', 'un'), ['uninstall']);
  assert.equal(bash('completion', ''), ['bash', 'zsh', 'fish']);
  assert.ok(bash('deploy', '--').includes('--ssh'));
  assert.ok(bash('deploy', '--').includes('--json'));
  assert.equal(bash('nonsense', '--'), []);
});

test('zsh and fish find nothing wrong with their scripts', () => {
  const check: [string, string[], string][] = [
    ['zsh', ['-n'], zshCompletion(commands)],
    ['fish', ['--no-execute'], fishCompletion(commands)],
    ['bash', ['-n'], bashCompletion(commands)],
  ];
  const directory = mkdtempSync(join(tmpdir(), 'completion-'));
  for (const [shell, args, script] of check) {
    const file = join(directory, shell);
    writeFileSync(file, script);
    const { error, stderr } = spawnSync(shell, [...args, file], { encoding: 'utf8' });
    if (!error) assert.is(stderr, '', shell);
  }
  rmSync(directory, { recursive: true, force: true });
});

test('what a summary has of quotes and colons is text', () => {
  const odd: CompletedCommand = { name: 'odd', summary: `it's 50%: $(x) \`y\``, options: {}, words: [] };
  assert.match(zshCompletion([odd]), `'odd:it'\\''s 50%\\: $(x) \`y\`'`);
  assert.match(fishCompletion([odd]), `-d 'it'\\''s 50%: $(x) \`y\`'`);
});

test.run();
