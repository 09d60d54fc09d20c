/** GET /api/search on a real server: what an agent and a person said is found at once, and not when the agent is deleted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SearchAnswer } from '../../../core/api/search.ts';
import { startBench } from '../../support/harness/agent-server.ts';

test('a conversation is found while it goes on, by name, and not after its deletion', async () => {
  const bench = await startBench();
  try {
    const agent = await bench.create('Say 四舍五入 Needlework', { name: 'Tailor' });
    await bench.until(agent.id, ({ state }) => state === 'idle');
    const ask = async (query: string) => await bench.call('GET', `/api/search?${query}`);
    let answer: SearchAnswer = (await ask('q=needlework')).body;
    for (let i = 0; i < 200 && answer.hits.length < 2; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = (await ask('q=needlework')).body;
    }
    assert.equal(answer.hits.map(({ kind }) => kind).sort(), ['text', 'user']);
    for (const { agent: of, snippet, ranges, id, seq } of answer.hits) {
      assert.equal(of, { id: agent.id, name: 'Tailor' });
      assert.equal(ranges.map(([from, to]) => snippet.slice(from, to)), ['Needlework']);
      assert.is((await bench.messages(agent.id)).find((message) => message.id === id)?.seq, seq);
    }
    assert.is((await ask(`q=${encodeURIComponent('五入')}`)).body.hits.length, 2);
    assert.is((await ask('q=needlework&limit=1')).body.hits.length, 1);
    for (const wrong of ['', 'q=', 'q=a', `q=${'x'.repeat(201)}`, 'q=ab&limit=0', 'q=ab&limit=51', 'q=ab&limit=x']) {
      const { status, body } = await ask(wrong);
      assert.equal([status, body.code], [400, 'bad_request'], wrong);
    }
    assert.is((await bench.call('DELETE', `/api/agents/${agent.id}`)).status, 200);
    assert.equal((await ask('q=needlework')).body.hits, []);
    assert.not(bench.lines.some((line) => /SQLite|search thread|without an index/.test(line)), bench.lines.join('\n'));
  } finally {
    await bench.close();
  }
});

test.run();
