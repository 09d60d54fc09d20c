/**
 * Writes test/vectors/git-program-settings.json: every setting of git that can name a program, by git's own documentation on
 * this machine (`git help --config` and the manual pages). Run it again for another version of git:
 * `npx tsx scripts/vectors/git-program-settings.ts`. It needs the manual pages of git in /usr/share/man.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const MANUALS = '/usr/share/man';
const VECTOR = fileURLToPath(new URL('../../test/vectors/git-program-settings.json', import.meta.url));

/** A description of something that is run. */
const PROGRAM =
  /\b(shell command|command (which|is used|which is used|to (execute|be|setup|invoke))|specified command|custom (program|diff driver command)|program (used|that|to execute)|external helper|text (editor|viewer)|proxy command|launching an editor|web browser|path of hooks|will look for your hooks|pipe the diff through)\b/i;
/** A description of a switch, a number or a list of words: its value is never run. */
const OTHER =
  /\b(a boolean|true or false|when set to true|if true|if false|defaults? to (true|false)|number of|integer|specify how many)\b/i;
/** Names that are a program's by themselves, however they are described. */
const NAMED =
  /\.(\w*command|\w*cmd|program|editor|pager|browser|helper|driver|process|clean|smudge|textconv|external|uploadpack|receivepack|askpass|fsmonitor|hookspath|gitproxy|packobjectshook|difffilter|tunnel|httpd|vcs|\w*Cmd)$|<tool>\.path$|^sendemail\.smtpServer$|^submodule\..*\.update$/i;
/** Such names of settings that are none: switches, and a database. */
const NOT = /^(color\.|column\.|http\.(upload|receive)pack$|notes\.rewrite\.|gitcvs\.)/;

interface Setting {
  key: string;
  /** Why it is in the list: the first sentence of its description. */
  text: string;
}

/** Definition lists of a manual page: `.PP`, one or more terms, `.RS 4`, the description. */
function definitionsIn(roff: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of roff.matchAll(/\.PP\n((?:[^.\n].*\n)+)\.RS 4\n([^]*?)\n\.RE/g)) {
    for (const term of plain(match[1]!).split(/\n|, /)) {
      const key = term.trim();
      if (/^[a-zA-Z]+(\.[\w<>*-]+)+$/.test(key)) found.set(key, plain(match[2]!).replace(/\s+/g, ' ').trim());
    }
  }
  return found;
}

const plain = (roff: string): string =>
  roff.replace(/\\f[BIRP]/g, '').replace(/\\&/g, '').replace(/\\-/g, '-').replace(/\\\(aq|\\\*\(Aq|\\\(cq/g, "'")
    .replace(/\\\(l?r?q|\\\(\w\w/g, '"').replace(/^\.\w+.*$/gm, '');

function documented(): Map<string, string> {
  const all = new Map<string, string>();
  for (const section of ['man1', 'man5', 'man7']) {
    for (const name of readdirSync(join(MANUALS, section)).filter((file) => /^git.*\.[157]\.gz$/.test(file))) {
      const roff = gunzipSync(readFileSync(join(MANUALS, section, name))).toString('utf8');
      for (const [key, text] of definitionsIn(roff)) if (!all.has(key)) all.set(key, text);
      // Settings that stand in the text alone: `filter.<driver>.process` of gitattributes(5).
      for (const [key] of plain(roff).matchAll(/\b[a-z]+\.<[a-z-]+>\.[a-zA-Z]+\b/g)) {
        if (!all.has(key)) all.set(key, '');
      }
    }
  }
  const help = execFileSync('git', ['help', '--config'], { encoding: 'utf8' });
  for (const key of help.split('\n')) if (/^[a-z]+\./i.test(key) && !all.has(key)) all.set(key, '');
  return all;
}

const namesProgram = (key: string, text: string): boolean =>
  !NOT.test(key) && (/^(alias|pager)\./.test(key) || NAMED.test(key) || (PROGRAM.test(text) && !OTHER.test(text)));

const settings: Setting[] = [...documented()].filter(([key, text]) => namesProgram(key, text))
  .map(([key, text]) => ({ key, text: /^.*?[.!](?= |$)/.exec(text)?.[0] ?? text }))
  .sort((a, b) => (a.key < b.key ? -1 : 1));
const version = execFileSync('git', ['--version'], { encoding: 'utf8' }).trim();
writeFileSync(VECTOR, `${JSON.stringify({ version, settings }, null, 2)}\n`);
console.log(`${settings.length} settings of ${version} in ${VECTOR}`);
