/** The previews' own port opens and closes with the relay. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startRelay } from '../support/harness/relay.ts';
import { freePort } from '../support/harness/product.ts';

const isOpen = async (port: number) => {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false, () => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
};

test('it listens while the relay does, and no longer', async () => {
  const port = await freePort();
  const relay = await startRelay({ previewPort: port });
  assert.is(await isOpen(port), true);
  await relay.close();
  assert.is(await isOpen(port), false);
});

test('there is none where previews have names of their own', async () => {
  const port = await freePort();
  const relay = await startRelay({ previewPort: port, previewDomain: 'preview.example' });
  assert.is(await isOpen(port), false);
  await relay.close();
});

test.run();
