/** The pages for people name files, scripts and settings that are there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMANDS } from '../../cli/commands.ts';
import { EXIT_MEANINGS } from '../../cli/exit-codes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'relay/DEPLOY.md',
  'docs/remote-access.md',
  'docs/scaling.md',
  'docs/cli.md',
];
const scripts = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);
const pages = PAGES.map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }));

/** Paths of this project in backticks or as targets of links. A path with <…> or * is a pattern. */
const pathsOf = (text: string): string[] =>
  [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`|\]\(([\w./-]+)\)/g)].map((match) => match[1] ?? match[2]!)
    .filter((path) => /^(core|agent|relay|ui|scripts|test|docs|\.ci)\/|^[A-Z]+\.md$/.test(path));

for (const { name, text } of pages) {
  test(`${name} names files that are there`, () => {
    const base = name.includes('/') ? join(ROOT, name, '..') : ROOT;
    const gone = pathsOf(text).filter((path) => !existsSync(join(ROOT, path)) && !existsSync(join(base, path)));
    assert.equal(gone, []);
  });

  test(`${name} names npm scripts that are there`, () => {
    const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map((match) => match[1]!);
    assert.equal(named.filter((script) => !scripts.includes(script)), []);
  });
}

test('ARCHITECTURE.md has a glossary of at least 25 words, and every top directory', () => {
  const { text } = pages[1]!;
  assert.ok(text.slice(text.indexOf('## Glossary')).split('\n').filter((line) => /^\| \w/.test(line)).length >= 25);
  for (const top of ['core/', 'relay/', 'agent/', 'ui/', 'scripts/', 'test/']) {
    assert.ok(text.includes(`\`${top}\``), top);
  }
});

for (const { name, text } of pages) {
  test(`${name} names commands and options of agent-monitor that are there`, async () => {
    for (const [whole, command] of text.matchAll(/(?<=^|`|&& )agent-monitor ([a-z]+)[^`\n#&|]*/gm)) {
      assert.ok(Object.hasOwn(COMMANDS, command!), `${name}: agent-monitor ${command}`);
      const { options } = await COMMANDS[command!]!.load();
      for (const [option] of whole.matchAll(/(?<= --)[a-z-]+/g)) {
        assert.ok(option === 'json' || option === 'help' || Object.hasOwn(options, option), `${name}: ${whole}`);
      }
    }
  });
}

const remote = pages.find(({ name }) => name === 'docs/remote-access.md')!.text;

/** The part of a page below a heading. */
const section = (text: string, heading: string) => text.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;

test('docs/remote-access.md has the exit codes of the program', () => {
  const rows = [...section(remote, 'Exit codes').matchAll(/^\| (\d+) \| (.*) \|$/gm)].map((
    [, code, text],
  ) => [Number(code), text]);
  assert.equal(rows, EXIT_MEANINGS.map((row) => [...row]));
});

test('what docs/remote-access.md says that people see is what the programs say', () => {
  const sources = ['core', 'agent', 'relay', 'cli', 'ui', 'scripts'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).filter((file) => /\.(ts|sh)$/.test(file))
      .map((file) => readFileSync(join(ROOT, top, file), 'utf8'))
  ).join('\n');
  const seen = section(remote, 'When it does not work').split('\n').filter((line) => line.startsWith('| '))
    .flatMap((line) => [...line.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  assert.ok(seen.length > 12, `${seen.length}`);
  assert.equal(seen.filter((text) => !sources.includes(text)), []);
});

test.run();
