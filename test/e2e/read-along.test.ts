/** A session that writes 100 lines a second is read along by a dashboard of a real server: all of it, once, soon, in bounded memory. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskChat } from '../../core/api/handoff.ts';
import { startBench } from '../support/harness/agent-server.ts';
import { deskFiles, line, said, sessionId } from '../support/harness/desk-files.ts';

const RATE = 100;
const SECONDS = Number(process.env.READ_ALONG_SECONDS ?? 15);

test(`${RATE} lines a second for ${SECONDS} s`, async () => {
  const files = deskFiles();
  files.live();
  const bench = await startBench({ CLAUDE_CONFIG_DIR: files.directory });
  try {
    const id = sessionId(1);
    files.say(id, line('user', 'n0', null, 'Begin'));
    const client = await bench.live();
    await client.wait(({ type }) => type === 'snapshot');
    assert.is((await bench.call('GET', `/api/handoff/${id}`)).status, 200);
    const chat = deskChat(id);
    client.send({ type: 'watch', agent: chat });
    await client.wait((message) => message.type === 'messages' && message.agent === chat);
    const sentAt: number[] = [];
    const seenAt = new Map<string, number[]>();
    const note = () => {
      for (const change of client.changes().slice(noted)) {
        noted++;
        if (change.type !== 'message' || change.agent !== chat || !('text' in change.message)) continue;
        const { text } = change.message;
        seenAt.set(text, [...seenAt.get(text) ?? [], Date.now()]);
      }
    };
    let noted = 0;
    const heapBefore = process.memoryUsage().heapUsed;
    for (let n = 1; n <= RATE * SECONDS; n++) {
      files.say(id, said(`n${n}`, `n${n - 1}`, `line ${n}`));
      sentAt[n] = Date.now();
      const due = sentAt[1]! + n * 1000 / RATE;
      if (Date.now() < due) await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
      note();
    }
    for (const end = Date.now() + 10_000; seenAt.size < RATE * SECONDS && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      note();
    }
    const texts = Array.from({ length: RATE * SECONDS }, (_, i) => `line ${i + 1}`);
    assert.equal([...seenAt.keys()], texts, 'all, in order');
    assert.ok([...seenAt.values()].every((times) => times.length === 1), 'none twice');
    const delays = texts.map((text, i) => seenAt.get(text)![0]! - sentAt[i + 1]!).sort((a, b) => a - b);
    const grown = Math.round((process.memoryUsage().heapUsed - heapBefore) / 1024 / 1024);
    const median = delays[Math.floor(delays.length / 2)];
    console.log(
      `${texts.length} lines, each once; delay median ${median} ms, longest ${delays.at(-1)} ms; heap +${grown} MiB`,
    );
  } finally {
    await bench.close();
    files.remove();
  }
});

test.run();
