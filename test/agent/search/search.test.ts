/** The search over journals: what is found and what is not, with the index where this runtime has SQLite, and by scanning. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSearch, type SearchAnswer } from '../../../core/api/search.ts';
import { commandSpec } from '../../../agent/process/script.ts';
import { Search } from '../../../agent/search/search.ts';
import { hasSqlite, openDatabase } from '../../../agent/search/sqlite.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';
import {
  type SearchJournals,
  searchJournals,
  textMessage,
  toolMessage,
  userMessage,
} from '../../support/harness/search-journals.ts';

interface Harness extends SearchJournals {
  context: TestContext;
  /** Of the agents that exist; by name and snippet. */
  agents: string[];
  search: Search;
  ask(q: string, more?: { limit?: number; cursor?: string | null }): Promise<SearchAnswer>;
  /** Asks until everything that is on disk was looked through. */
  whole(q: string): Promise<SearchAnswer>;
  restart(): Promise<void>;
}

async function withSearch(useIndex: boolean, run: (harness: Harness) => Promise<void>): Promise<void> {
  const journals = searchJournals();
  const context = testContext({ dataDir: journals.dataDir });
  const agents: string[] = [];
  const list = () => agents.map((id) => ({ id, name: `Agent ${id}` })) as never;
  const open = () => new Search({ context, agents: { list }, useIndex });
  const harness: Harness = {
    ...journals,
    context,
    agents,
    search: open(),
    ask: (q, { limit = 20, cursor = null } = {}) => harness.search.search({ terms: parseSearch(q), limit, cursor }),
    async whole(q) {
      for (let i = 0; i < 200; i++) {
        const answer = await harness.ask(q);
        if (answer.complete) return answer;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('the search is never complete');
    },
    async restart() {
      await harness.search.close();
      harness.search = open();
    },
  };
  try {
    await run(harness);
    assert.is(context.lines.filter((line) => /ended|failed|without an index/.test(line)).join('\n'), '');
  } finally {
    await harness.search.close();
    journals.remove();
  }
}

/** Runs the search in a process that is killed when the index and its log have this many bytes. */
async function killWhenWritten(dataDir: string, bytes: number): Promise<void> {
  const program = fileURLToPath(new URL('../../support/harness/search-program.ts', import.meta.url));
  const { command, prefix } = commandSpec(program);
  const child = spawn(command, [...prefix, dataDir], { stdio: ['pipe', 'inherit', 'inherit'] });
  const size = (end: string) => statSync(join(dataDir, `search.sqlite${end}`), { throwIfNoEntry: false })?.size ?? 0;
  for (let i = 0; i < 600 && size('') + size('-wal') < bytes; i++) await new Promise((done) => setTimeout(done, 10));
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const ids = ({ hits }: SearchAnswer): string[] => hits.map(({ agent, id }) => `${agent.id}/${id}`);

for (const useIndex of hasSqlite() ? [true, false] : [false]) {
  const test = suite(useIndex ? 'index' : 'scan');
  const check = (name: string, run: (harness: Harness) => Promise<void>) =>
    test(`${useIndex ? 'index' : 'scan'}: ${name}`, () => withSearch(useIndex, run));

  check('words in any case, all in one message, the newest first; nothing of outputs and thoughts', async (h) => {
    h.agents.push('a', 'b');
    h.write('a', [
      userMessage(1, 'Fix the Rounding bug in cart.ts'),
      textMessage(2, 'The rounding is\nwrong in two places.'),
      toolMessage(3, 'npm test -- rounding', { command: 'npm test -- rounding', nested: { list: ['deep value 42'] } }),
      { kind: 'thinking', id: 'x4', text: 'rounding thought', done: true, seq: 4, at: 4 },
      {
        kind: 'notice',
        id: 'n5',
        level: 'info',
        code: 'x',
        text: 'Rounding noticed',
        passing: false,
        seq: 5,
        at: Date.UTC(2026, 0, 2),
      },
    ]);
    h.write('b', [userMessage(1, 'something else'), textMessage(2, 'rounding unfinished', false)]);
    const answer = await h.whole('ROUNDING');
    assert.equal(ids(answer), ['a/n5', 'a/c3', 'a/t2', 'a/u1']);
    assert.equal(answer.hits.map(({ kind }) => kind), ['notice', 'tool', 'text', 'user']);
    assert.is(answer.hits[0]!.agent.name, 'Agent a');
    assert.is(answer.method, useIndex ? 'index' : 'scan');
    assert.equal(answer.searched, { agents: 2, of: 2 });
    assert.equal(ids(await h.ask('rounding two')), ['a/t2']);
    assert.equal(ids(await h.ask('bug two')), []);
    assert.equal(ids(await h.ask('"rounding is wrong"')), ['a/t2'], 'a line end is a space');
    assert.equal(ids(await h.ask('"wrong rounding"')), []);
    assert.equal(ids(await h.ask('deep 42')), ['a/c3']);
    assert.equal(ids(await h.ask('only in the output')), []);
    assert.equal(ids(await h.ask('ug')), ['a/u1'], 'two characters');
    assert.equal(ids(await h.ask('zq')), []);
  });

  check('Chinese, one character and more; letters of other alphabets', async (h) => {
    h.agents.push('a');
    h.write('a', [
      userMessage(1, '请修复购物车的四舍五入错误'),
      userMessage(2, 'Ändere die STRASSE in İstanbul'),
      userMessage(3, '完全不同 😀 mark'),
    ]);
    assert.equal(ids(await h.whole('购物车')), ['a/u1']);
    assert.equal(ids(await h.ask('错误')), ['a/u1']);
    assert.equal(ids(await h.ask('车')), ['a/u1']);
    assert.equal(ids(await h.ask('四舍五入错误 购物')), ['a/u1']);
    assert.equal(ids(await h.ask('ändere straße')), []);
    assert.equal(ids(await h.ask('äNDERE strasse')), ['a/u2']);
    const [hit] = (await h.ask('istanbul')).hits;
    assert.is(hit, undefined, 'a character that gets longer stays what it is');
    const emoji = (await h.ask('😀 mark')).hits[0]!;
    assert.equal(emoji.ranges.map(([a, b]) => emoji.snippet.slice(a, b)), ['😀', 'mark']);
  });

  check('quotation marks, backslashes and line ends of the text do not hide it', async (h) => {
    h.agents.push('a');
    h.write('a', [userMessage(1, 'he said "C:\\temp\\x"\n\tthen 100% _done_')]);
    for (const q of ['c:\\temp', 'temp\\x', '100%', '_done_', '"then 100%"', '\\']) {
      if (q.length < 2) continue;
      assert.equal(ids(await h.whole(q)), ['a/u1'], q);
    }
  });

  check('pages of a cursor: everything once', async (h) => {
    h.agents.push('a', 'b');
    for (const agent of ['a', 'b']) {
      h.write(agent, Array.from({ length: 60 }, (_, i) => userMessage(i + 1, `needle ${i}`)));
      // As the server does when the state changes: the same message again.
      h.write(agent, Array.from({ length: 10 }, (_, i) => userMessage(i + 1, `needle ${i}`)));
    }
    await h.whole('"needle 59"');
    const found: string[] = [];
    let cursor: string | null = null;
    for (let i = 0; i < 30; i++) {
      const answer: SearchAnswer = await h.ask('needle', { limit: 7, cursor });
      assert.ok(answer.hits.length <= 7);
      found.push(...ids(answer));
      cursor = answer.cursor;
      assert.is(answer.complete, cursor === null);
      if (!cursor) break;
    }
    assert.is(found.length, 120);
    assert.is(new Set(found).size, 120);
  });

  check('a damaged line costs only itself; what is written later is found', async (h) => {
    h.agents.push('a');
    h.write('a', [userMessage(1, 'before damage')]);
    h.append(
      'a',
      '{"m":{"kind":"user","id":"u2","text":"damage\n\0\0\xff{{{\n[]\n{"m":null}\n{"m":{"id":1,"kind":"text"}}\n',
    );
    h.write('a', [userMessage(3, 'after damage'), { ...userMessage(4, 'x damage'), text: 7 } as never]);
    assert.equal(ids(await h.whole('damage')), ['a/u3', 'a/u1']);
    h.append('a', JSON.stringify({ m: userMessage(5, 'torn damage') }));
    h.context.publish({ type: 'message.patch', agent: 'a', id: 'u5', patch: {} });
    h.append('a', '\n');
    h.context.publish({ type: 'message.patch', agent: 'a', id: 'u5', patch: {} });
    for (let i = 0; i < 100 && (await h.ask('torn')).hits.length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(ids(await h.ask('damage')), ['a/u5', 'a/u3', 'a/u1']);
  });

  check('nothing of a deleted agent; a journal that was written again', async (h) => {
    h.agents.push('a', 'b');
    h.write('a', [userMessage(1, 'secret plan'), userMessage(2, 'old plan')]);
    h.write('b', [userMessage(1, 'other plan')]);
    assert.is((await h.whole('plan')).hits.length, 3);
    h.agents.splice(0, 1);
    assert.equal(ids(await h.ask('plan')), ['b/u1']);
    rmSync(join(h.root, 'a'), { recursive: true });
    h.context.publish({ type: 'agent.removed', id: 'a' });
    rmSync(h.path('b'));
    h.write('b', [userMessage(7, 'new plan'), userMessage(8, 'and a longer plan than before')]);
    h.context.publish({ type: 'messages.cleared', agent: 'b' });
    h.agents.push('a'); // what were left of it would be shown again
    for (let i = 0; i < 100 && ids(await h.ask('plan')).join() !== 'b/u8,b/u7'; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(ids(await h.ask('plan')), ['b/u8', 'b/u7']);
  });

  check('too many at a time are refused', async (h) => {
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => h.ask('nothing here')));
    const codes = all.map((result) => result.status === 'rejected' ? result.reason.code : 'found');
    assert.equal(codes, [...Array(8).fill('found'), ...Array(4).fill('busy')]);
  });

  if (useIndex) {
    check(
      'the file is its owner’s alone, and made again when it is missing, damaged or of another version',
      async (h) => {
        h.agents.push('a');
        h.write('a', [userMessage(1, 'find me again')]);
        const file = join(h.dataDir, 'search.sqlite');
        await h.whole('again');
        for (const end of ['', '-wal', '-shm']) {
          if (existsSync(file + end)) assert.is(statSync(file + end).mode & 0o777, 0o600, end);
        }
        rmSync(file);
        assert.equal(ids(await h.whole('again')), ['a/u1'], 'deleted while it is used');
        await h.search.close();
        for (const damage of [0, 18, 100, 4096, 5000]) {
          const bytes = readFileSync(file);
          bytes.fill(0xa5, damage, damage + 3000);
          writeFileSync(file, bytes);
          await h.restart();
          assert.equal(ids(await h.whole('again')), ['a/u1'], `damaged at ${damage}`);
          await h.search.close();
        }
        writeFileSync(file, '');
        chmodSync(file, 0o600);
        await h.restart();
        assert.equal(ids(await h.whole('again')), ['a/u1'], 'empty');
      },
    );

    check('after a kill -9 the index goes on from what it has', async (h) => {
      h.agents.push('a', 'b');
      const text = 'lorem ipsum '.repeat(30);
      for (const agent of h.agents) {
        h.write(agent, Array.from({ length: 4000 }, (_, i) => userMessage(i + 1, `message ${i} ${text}`)));
      }
      await h.search.close();
      for (const size of [1, 200_000, 4_000_000]) await killWhenWritten(h.dataDir, size);
      h.write('a', [userMessage(4001, 'the last one')]);
      await h.restart();
      assert.equal(ids(await h.whole('"last one"')), ['a/u4001']);
      assert.equal(ids(await h.ask('"message 0 lorem"')).sort(), ['a/u1', 'b/u1']);
      assert.equal((await h.ask('"message 3999 lorem"')).hits.length, 2);
      // In so many messages the newest are not all that is looked at: two characters by the trigrams that begin with them.
      const rare = await h.ask('zq');
      assert.equal([ids(rare), rare.complete, rare.method], [[], true, 'index']);
      assert.equal(ids(await h.ask('7m')), []);
      h.write('b', [userMessage(4001, 'ends with zq', 1000)]);
      h.context.publish({ type: 'messages.cleared', agent: 'b' });
      for (let i = 0; i < 100 && !(await h.ask('zq')).hits.length; i++) {
        await new Promise((done) => setTimeout(done, 50));
      }
      assert.equal(ids(await h.ask('zq')), ['b/u4001'], 'the oldest, at the end of its text');
    });

    test('opening a database leaves other warnings alone', () => {
      const { emitWarning } = process;
      openDatabase(':memory:').close();
      assert.is(process.emitWarning, emitWarning);
    });
  }
  test.run();
}
