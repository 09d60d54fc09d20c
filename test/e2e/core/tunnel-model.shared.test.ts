/**
 * Thousands of random operations on both ends of a tunnel against a model that is nothing but lists of bytes: what one side
 * has written the other has read, in order, to the last byte; ends are clean or they are resets; nothing is left over.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RESET } from '../../../core/tunnel/frame.ts';
import { MAX_DATA, MAX_STREAMS, WINDOW } from '../../../core/tunnel/limits.ts';
import type { Stream } from '../../../core/tunnel/stream.ts';
import { memoryTransport, socketTransport, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';

const STEPS = 6000;
/** MODEL_SEEDS: more of them, with commas between; .ci/run has three. */
const SEEDS = (process.env.MODEL_SEEDS ?? '2026').split(',').map(Number);

function generator(seed: number) {
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(random() * n);
  return { below, chance: (p: number) => random() < p, pick: <T>(list: readonly T[]) => list[below(list.length)]! };
}

/** One direction of one stream. */
class Flow {
  sent: Buffer[] = [];
  got: Buffer[] = [];
  /** The writer has ended; the reader has seen the end. */
  ended = false;
  sawEnd = false;
  sentBytes = 0;
  gotBytes = 0;

  check(where: string, complete: boolean): void {
    const sent = Buffer.concat(this.sent);
    const got = Buffer.concat(this.got);
    assert.ok(got.equals(sent.subarray(0, got.length)), `${where}: other bytes than were sent`);
    if (complete) assert.is(got.length, sent.length, `${where}: ended short`);
  }
}

/** One end of one stream as the test drives it. */
class End {
  readonly stream: Stream;
  readonly out: Flow;
  readonly in: Flow;
  headSent: boolean;
  reset: number | null = null;
  reading = true;
  heads = 0;

  constructor(stream: Stream, out: Flow, incoming: Flow) {
    this.stream = stream;
    this.out = out;
    this.in = incoming;
    this.headSent = stream.opener;
    stream.events = {
      onHead: () => void this.heads++,
      onData: (chunk) => {
        assert.not(incoming.sawEnd, 'data behind the end');
        assert.is(this.reset, null, 'data behind a reset');
        incoming.got.push(Buffer.from(chunk));
        incoming.gotBytes += chunk.length;
        if (this.reading) stream.accept();
      },
      onEnd: () => {
        assert.not(incoming.sawEnd, 'two ends');
        incoming.sawEnd = true;
      },
      onDrain: () => assert.is(this.reset, null, 'drain behind a reset'),
      onReset: (code) => {
        assert.is(this.reset, null, 'two resets');
        this.reset = code;
      },
    };
  }
}

for (const [name, transport] of [['memory', memoryTransport], ['sockets', socketTransport]] as const) {
  const test = suite(`model over ${name}`);
  for (const seed of SEEDS) {
    test(`seed ${seed}: ${STEPS} steps`, async () => {
      const { below, chance, pick } = generator(seed);
      const flows = new Map<number, { up: Flow; down: Flow }>();
      const relayEnds = new Map<number, End>();
      const machineEnds = new Map<number, End>();
      const pair = await tunnelPair({
        transport,
        onOpen: (stream) => {
          const { up, down } = flows.get(stream.id)!;
          machineEnds.set(stream.id, new End(stream, down, up));
        },
      });
      const sizes = [1, 2, 100, 255, 256, 257, 5000, MAX_DATA - 1, MAX_DATA, MAX_DATA + 1, 40_000, WINDOW, WINDOW + 1];

      const open = () => {
        const stream = pair.relay.open();
        if (!stream) return assert.is(pair.relay.streams, MAX_STREAMS);
        const up = new Flow();
        const down = new Flow();
        flows.set(stream.id, { up, down });
        relayEnds.set(stream.id, new End(stream, up, down));
        assert.ok(stream.open(['POST', `/${stream.id}`, 'peer'], false));
      };
      const write = (end: End) => {
        if (!end.headSent || end.out.ended || end.stream.over) return;
        // Beyond this the test would only fill its own memory; the window is far smaller.
        if (end.out.sentBytes - end.out.gotBytes > 4 * WINDOW) return;
        const chunk = Buffer.alloc(pick(sizes), below(256));
        chunk.writeUInt8(below(256), chunk.length - 1);
        end.out.sent.push(chunk);
        end.out.sentBytes += chunk.length;
        end.stream.write(chunk);
      };
      const operate = (end: End) => {
        if (end.stream.over) return;
        if (!end.headSent && chance(0.5)) {
          if (chance(0.2)) end.stream.info(103, ['a', 'b']);
          end.headSent = end.stream.head(200, ['x-id', String(end.stream.id)]);
          return;
        }
        if (chance(0.7)) return write(end);
        if (chance(0.3)) {
          end.reading = !end.reading;
          if (end.reading) end.stream.accept();
          return;
        }
        if (chance(0.25) && end.headSent && !end.out.ended) {
          end.out.ended = true;
          end.stream.end(chance(0.2) ? ['t', 'v'] : undefined);
        } else if (chance(0.03)) {
          end.stream.reset(RESET.cancel);
          end.reset = RESET.cancel;
        }
      };

      for (let step = 0; step < STEPS; step++) {
        if (chance(0.03)) open();
        const ends = chance(0.5) ? relayEnds : machineEnds;
        const live = [...ends.values()].filter((end) => !end.stream.over).slice(0, 40);
        if (live.length) operate(pick(live));
        if (chance(0.15)) await new Promise((resolve) => setImmediate(resolve));
      }
      // Everything that still runs is brought to an end.
      for (const end of [...relayEnds.values(), ...machineEnds.values()]) {
        end.reading = true;
        end.stream.accept();
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const end of [...relayEnds.values(), ...machineEnds.values()]) {
        if (end.stream.over || end.out.ended) continue;
        if (!end.headSent) end.headSent = end.stream.head(200, []);
        end.out.ended = true;
        end.stream.end();
      }
      await until(() => pair.relay.streams === 0 && pair.machine.streams === 0, 10_000);
      assert.ok(pair.relay.established && pair.machine.established);

      let clean = 0;
      for (const [id, { up, down }] of flows) {
        const relay = relayEnds.get(id)!;
        const machine = machineEnds.get(id);
        const cut = relay.reset !== null || (machine?.reset ?? null) !== null;
        if (!cut) clean++;
        if (!cut) assert.ok(up.sawEnd && down.sawEnd && relay.heads === 1, `stream ${id} ended on both sides`);
        up.check(`stream ${id} up`, up.sawEnd);
        down.check(`stream ${id} down`, down.sawEnd);
      }
      assert.ok(flows.size > 100 && clean > 30, `${clean} of ${flows.size} streams ended cleanly`);
      await pair.close();
    });
  }
  test.run();
}
