import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createKey, proofOf } from '../../../cli/client/device-key.ts';
import { signedByDevice } from '../../../core/api/auth.ts';
import { Devices } from '../../../core/auth/devices.ts';
import { systemClock } from '../../../core/clock.ts';

test('a relay takes the proof of the key, for its own origin, device and challenge only', () => {
  const devices = new Devices(systemClock);
  const { key, publicKey } = createKey();
  const { id } = devices.add(publicKey, 'agent-monitor on laptop', '192.0.2.1');
  const { signature, ...proof } = proofOf('https://relay.example', { id, key }, 'challenge');
  assert.equal(proof, { device: id, challenge: 'challenge' });
  const isTaken = (origin: string, device: string, challenge: string) =>
    devices.verify(id, signedByDevice(origin, device, challenge), signature, '192.0.2.1') !== null;
  assert.ok(isTaken('https://relay.example', id, 'challenge'));
  assert.not(isTaken('https://other.example', id, 'challenge'));
  assert.not(isTaken('https://relay.example', 'other', 'challenge'));
  assert.not(isTaken('https://relay.example', id, 'another'));
});

test('every key is a new one', () => assert.is.not(createKey().publicKey, createKey().publicKey));

test.run();
