/** Lines of a CLI that is being opened: what an answer sets going comes before the next line. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PacedLines } from '../../../agent/process/holder/paced-lines.ts';

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

test('while it is being opened, a line waits for what the one before has set going; then all come at once', async () => {
  const seen: string[] = [];
  let isOpening = true;
  const lines = new PacedLines<string>({
    start: 100,
    handle(line) {
      seen.push(`${line} at ${lines.offset}`);
      void Promise.resolve().then(() => {}).then(() => {
        if (isOpening) seen.push(`after ${line}`);
        if (line === 'two') isOpening = false;
      });
    },
    isOpening: () => isOpening,
  });
  assert.is(lines.offset, 100);
  for (const [i, line] of ['one', 'two', 'three', 'four'].entries()) lines.push(line, 101 + i);
  lines.then(() => seen.push('end'));
  assert.equal(seen, ['one at 101']);
  await settle();
  assert.equal(seen, ['one at 101', 'after one', 'two at 102', 'after two', 'three at 103', 'four at 104', 'end']);
  lines.push('five', 105);
  assert.is(seen.at(-1), 'five at 105', 'nothing waits any more');
});

test('a line whose handler fails does not take those behind it with it', async () => {
  const seen: string[] = [];
  const lines = new PacedLines<string>({
    start: 0,
    handle(line) {
      if (line === 'bad') throw new Error(line);
      seen.push(line);
    },
    isOpening: () => false,
  });
  assert.throws(() => lines.push('bad', 1), /bad/);
  lines.push('good', 2);
  await settle();
  assert.equal([seen, lines.offset], [['good'], 2]);
});

test.run();
