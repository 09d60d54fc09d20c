import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { TurnWatch } from '../../../agent/process/holder/turn-watch.ts';

const END = '{"type":"result"';
const OUTPUT = `{"type":"text"}\n${END},"ok":true}\n{"type":"other"}\n`;

test('the end of a turn is seen, cut anywhere', () => {
  for (const output of [OUTPUT, `${END}}\n`]) {
    for (let cut = 0; cut <= output.length; cut++) {
      const watch = new TurnWatch(END);
      watch.begun();
      for (const piece of [output.slice(0, cut), output.slice(cut)]) watch.output(Buffer.from(piece));
      assert.not(watch.isTurning, `${cut}`);
    }
  }
});

test('the end of one turn does not end the next, wherever the message comes', () => {
  const end = OUTPUT.indexOf(END) + END.length;
  for (let cut = end; cut <= OUTPUT.length; cut++) {
    const watch = new TurnWatch(END);
    watch.output(Buffer.from(OUTPUT.slice(0, cut)));
    watch.begun();
    watch.output(Buffer.from(OUTPUT.slice(cut)));
    watch.output(Buffer.from('{"type":"text"}\n'));
    assert.ok(watch.isTurning, `${cut}`);
  }
});

test('what stands within a line ends no turn, and nothing does where the end is not known', () => {
  for (const [end, output] of [[END, `{"text":"${END}"}\n`], ['', OUTPUT]] as const) {
    const watch = new TurnWatch(end);
    watch.begun();
    watch.output(Buffer.from(output));
    assert.ok(watch.isTurning);
  }
});

test.run();
