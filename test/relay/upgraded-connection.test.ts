/** The relay's own end of a WebSocket: said once, and nothing stays of a connection that is gone. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closeFrame } from '../../relay/frame-boundary.ts';
import { UpgradedConnection } from '../../relay/upgraded-connection.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';

/** One end of a connection, which records what it is sent. */
function end(): { stream: Duplex; written: Buffer[] } {
  const written: Buffer[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  return { stream, written };
}

function connection() {
  const [browser, machine, clock] = [end(), end(), fakeClock()];
  return { browser, machine, clock, upgraded: new UpgradedConnection(browser.stream, machine.stream, true, clock) };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const FRAME = closeFrame(4401, 'signed out');

test('closed twice it sends one close frame, and takes nothing more from the browser', async () => {
  const { browser, machine, upgraded } = connection();
  upgraded.close(4401, 'signed out');
  upgraded.close(1001, 'again');
  browser.stream.push(Buffer.from('typed too late'));
  await settle();
  assert.equal(Buffer.concat(browser.written), FRAME);
  assert.equal([machine.written, machine.stream.destroyed], [[], true]);
});

test('closed in the middle of a frame it ends the frame first, also when it is closed again meanwhile', async () => {
  const { browser, machine, upgraded } = connection();
  machine.stream.push(Buffer.from([0x82, 4, 1, 2]));
  await settle();
  upgraded.close(4401, 'signed out');
  upgraded.close(1001, 'again');
  machine.stream.push(Buffer.from([3, 4, 0x82, 1, 9]));
  await settle();
  assert.equal(Buffer.concat(browser.written), Buffer.concat([Buffer.from([0x82, 4, 1, 2, 3, 4]), FRAME]));
});

test('of a browser that is gone nothing stays: no timer, no stream of the machine', async () => {
  const { browser, machine, clock, upgraded } = connection();
  browser.stream.destroy();
  await once(browser.stream, 'close');
  upgraded.close(4401, 'signed out');
  assert.equal([clock.pending, machine.stream.destroyed, browser.written], [0, true, []]);
});

test.run();
