/**
 * `npm run bench:search -- [MB]`: how long a search takes over so many megabytes of journals (default 200): by scanning, in this
 * Node, and with the index, in Deno. Prints the median and the p95 of the first page, and how long the index takes to be made.
 */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { IndexBuilder } from '../../agent/search/index-build.ts';
import { IndexFile } from '../../agent/search/index-file.ts';
import { queryIndex } from '../../agent/search/index-query.ts';
import type { SearchPage, SearchQuery } from '../../agent/search/page.ts';
import { scanJournals } from '../../agent/search/scan.ts';
import { hasSqlite } from '../../agent/search/sqlite.ts';
import { parseSearch } from '../../core/api/search.ts';
import type { Message } from '../../core/api/messages.ts';

/** Bytes of one journal: as long as the server lets one grow. */
const JOURNAL = 12 * 1024 * 1024;
const ROUNDS = 3;
const MB = 1e6;
const LIMIT = 20;
/** Common, rare and absent words, phrases, Chinese, and words too short for a trigram. */
const QUERIES = [
  'the',
  'rounding',
  'rounding error',
  '"the build failed"',
  'function',
  'npm test',
  'src/cart',
  'needle-7',
  'needle-42',
  'zebra quux',
  'notfoundanywhere',
  '购物车',
  '四舍五入',
  '错误',
  '车',
  'ok',
  'zq',
  'commit message',
  'return value',
  'const total',
];

/** Words of the journals: as many as a large project has. */
const VOCABULARY = 20_000;

/** Words by Zipf's law, as in text: the n-th is n times as rare as the first. The same in every run. */
function createWords(seed: number): () => string {
  const random = randomNumbers(seed);
  return () => {
    const draw = random();
    if (draw < 0.02) return CHINESE[Math.floor(random() * CHINESE.length)]!;
    // New ones: hashes, names, typing errors.
    if (draw < 0.05) return letters(random, 6 + Math.floor(random() * 8));
    return WORDS[Math.floor(VOCABULARY ** random()) - 1]!;
  };
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const letters = (random: () => number, count: number): string =>
  Array.from({ length: count }, () => 'etaoinshrdlucmfwypvbgk'[Math.floor(22 * random() ** 1.5)]).join('');

const CHINESE = ['请修复', '购物车', '错误', '四舍五入', '测试', '合并分支', '提交信息', '文件', '函数'];
const KNOWN =
  ('the of and to in is that for it as with on be this by from are or an not have at function const return value ' +
    'error test file line build failed commit message branch merge total cart rounding price src index server client request ' +
    'response stream buffer socket journal agent worktree ok done check').split(' ');
/** The known ones at the ranks 1, 2, 4, 7 …: some are in every message, some in few. */
const WORDS = (() => {
  const random = randomNumbers(1);
  const words = Array.from({ length: VOCABULARY }, () => letters(random, 3 + Math.floor(random() * 8)));
  KNOWN.forEach((word, i) => words[Math.floor(i ** 1.6)] = word);
  return words;
})();

function writeJournals(root: string, bytes: number): void {
  const at = Date.UTC(2026, 0, 1);
  for (let agent = 0, written = 0; written < bytes; agent++) {
    const word = createWords(agent + 1);
    const words = (count: number) => Array.from({ length: count }, word).join(' ');
    const lines: string[] = [];
    const size = Math.min(JOURNAL, bytes - written);
    for (let seq = 1, length = 0; length < size; seq++) {
      const line = `${JSON.stringify({ m: message(seq, at + agent * 40_000_000 + seq * 2000, words, agent) })}\n`;
      lines.push(line);
      length += Buffer.byteLength(line);
    }
    const text = lines.join('');
    mkdirSync(join(root, `agent-${agent}`), { recursive: true });
    writeFileSync(join(root, `agent-${agent}`, 'journal.jsonl'), text);
    written += Buffer.byteLength(text);
  }
}

/** Of ten messages one is a person's, three are texts, one is a thought, five are tool calls with their results. */
function message(seq: number, at: number, words: (count: number) => string, agent: number): Message {
  const base = { id: `message-${agent}-${seq}`, seq, at };
  const mark = seq % 1000 === 0 ? ` needle-${agent}` : '';
  const kind = seq % 10;
  if (kind === 0) return { kind: 'user', ...base, text: words(30) + mark, images: [], status: 'sent', by: 'bench' };
  if (kind < 4) return { kind: 'text', ...base, text: words(80), done: true };
  if (kind === 4) return { kind: 'thinking', ...base, text: words(120), done: true };
  const command = `npm test -- ${words(6)}`;
  const result = { text: words(150), truncated: false };
  return {
    kind: 'tool',
    ...base,
    tool: 'Bash',
    title: command,
    input: { command, description: words(8) },
    inputText: '',
    output: '',
    status: 'done',
    result,
  };
}

function measure(name: string, search: (query: SearchQuery) => SearchPage): void {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const q of QUERIES) {
      const query = { terms: parseSearch(q), limit: LIMIT, cursor: null };
      const began = performance.now();
      const { hits, complete } = search(query);
      const ms = performance.now() - began;
      times.push(ms);
      if (round === 0) console.log(`  ${q}: ${ms.toFixed(1)} ms, ${hits.length} hits${complete ? ', all' : ''}`);
    }
  }
  times.sort((a, b) => a - b);
  const share = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]!.toFixed(1);
  console.log(`${name}: median ${share(0.5)} ms, p95 ${share(0.95)} ms, longest ${share(1)} ms`);
}

function benchIndex(directory: string): void {
  const path = join(directory, 'search.sqlite');
  const index = new IndexFile(path);
  const builder = new IndexBuilder(index, join(directory, 'agents'));
  const began = performance.now();
  let longest = 0;
  for (let isLeft = true; isLeft;) {
    const from = performance.now();
    isLeft = builder.step();
    longest = Math.max(longest, performance.now() - from);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `index made in ${seconds} s, ${(statSync(path).size / MB).toFixed(0)} MB, longest step ${longest.toFixed(0)} ms`,
  );
  measure('index', (query) => ({ ...queryIndex(index, query), searched: builder.searched }));
  index.close();
}

/** All pages, for what a scan takes that finds everything. */
function benchScan(directory: string): void {
  const root = join(directory, 'agents');
  measure('scan, first page', (query) => scanJournals(root, query));
  const began = performance.now();
  let pages = 0;
  for (let cursor: string | null = ''; cursor !== null; pages++) {
    cursor = scanJournals(root, { terms: ['notfoundanywhere'], limit: LIMIT, cursor: cursor || null }).cursor;
  }
  console.log(`scan of everything: ${(performance.now() - began).toFixed(0)} ms in ${pages} pages`);
}

const [size = '200', existing] = process.argv.slice(2);
if (existing) benchIndex(existing);
else {
  const directory = mkdtempSync(join(tmpdir(), 'bench-search-'));
  try {
    writeJournals(join(directory, 'agents'), Number(size) * MB);
    console.log(`${size} MB of journals`);
    benchScan(directory);
    const self = fileURLToPath(import.meta.url);
    if (hasSqlite()) benchIndex(directory);
    else {execFileSync('node_modules/.bin/deno', ['run', '-A', '--no-check', self, size, directory], {
        stdio: 'inherit',
      });}
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
