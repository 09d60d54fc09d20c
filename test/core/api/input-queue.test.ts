import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INPUT_WINDOW, TERMINAL_CHUNK } from '../../../core/api/terminals.ts';
import { InputQueue, MAX_INPUT } from '../../../core/api/input-queue.ts';
import { seeded } from '../../support/fakes/seeded.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const all = (queue: InputQueue) => {
  const sent: number[] = [];
  for (let piece = queue.next(); piece; piece = queue.next()) sent.push(...piece);
  return sent;
};

test('gives what was added, once, in pieces that the server takes', () => {
  const queue = new InputQueue();
  queue.add(bytes(1, 2));
  queue.add(bytes());
  queue.add(bytes(3));
  assert.equal(all(queue), [1, 2, 3]);
  assert.is(queue.next(), null);
  queue.add(new Uint8Array(TERMINAL_CHUNK + 1));
  assert.is(queue.next()!.length, TERMINAL_CHUNK);
  assert.is(queue.next()!.length, 1);
});

test('no more is on its way than the window allows', () => {
  const queue = new InputQueue();
  queue.add(new Uint8Array(2 * INPUT_WINDOW));
  assert.is(all(queue).length, INPUT_WINDOW);
  queue.acknowledge(10);
  assert.is(all(queue).length, 10);
  assert.is(queue.length, 2 * INPUT_WINDOW - 10);
});

test('the bound is kept, at it and one past it', () => {
  const queue = new InputQueue();
  assert.ok(queue.add(new Uint8Array(MAX_INPUT - 1)));
  assert.not.ok(queue.add(new Uint8Array(2)));
  assert.ok(queue.add(new Uint8Array(1)));
  assert.not.ok(queue.add(new Uint8Array(1)));
  assert.is(queue.length, MAX_INPUT);
});

test('whatever is cut, acknowledged and added in between, the server gets every byte once and in order', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seeded(seed);
    const below = (n: number) => Math.floor(random() * n);
    const queue = new InputQueue();
    const server: number[] = [];
    let typed = 0;
    let wire: number[] = [];
    for (let step = 0; step < 200; step++) {
      const choice = below(5);
      if (choice < 2) queue.add(Uint8Array.from({ length: below(40) }, () => typed++ % 251));
      else if (choice === 2) wire.push(...(queue.next() ?? []));
      else if (choice === 3) {
        server.push(...wire.splice(0, below(wire.length + 1)));
        if (random() < 0.5) queue.acknowledge(server.length);
      } else {
        wire = []; // the connection was cut: what was on its way is lost
        queue.resume(server.length);
      }
    }
    queue.resume(server.length);
    server.push(...all(queue));
    assert.equal(server, Array.from({ length: typed }, (_, i) => i % 251), `seed ${seed}`);
  }
});

test('a server that lost its count: what was never sent is sent, what was on its way is not sent again', () => {
  for (const end of [null, 0, 2]) {
    const queue = new InputQueue();
    queue.add(bytes(1, 2, 3, 4, 5));
    assert.is(all(queue).length, 5);
    queue.acknowledge(3);
    queue.resume(end);
    assert.equal([all(queue), queue.length], [[], 0], `${end}`);
    queue.add(bytes(6, 7));
    assert.equal(all(queue), [6, 7]);
    queue.acknowledge((end ?? 0) + 1);
    assert.is(queue.length, 1);
    queue.acknowledge((end ?? 0) + 2);
    assert.is(queue.length, 0);
  }
});

test('a server that lost its count: input beyond the window waits on, and is numbered from there', () => {
  const queue = new InputQueue();
  queue.add(new Uint8Array(INPUT_WINDOW).fill(1));
  queue.add(new Uint8Array(10).fill(2));
  assert.is(all(queue).length, INPUT_WINDOW);
  queue.resume(null);
  assert.equal(all(queue), Array(10).fill(2));
});

test.run();
