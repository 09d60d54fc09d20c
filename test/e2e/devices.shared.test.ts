/**
 * Revoking a device, through the real programs: its cookie, key, socket and push subscription are over within two seconds, also
 * when the machine was away meanwhile; and what is subscribed through the relay belongs to the relay's one key.
 */
import { createECDH, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceRegistration } from '../../core/api/auth.ts';
import { dial } from '../../core/websocket/mod.ts';
import { SoftwareDevice } from '../support/fakes/software-keys.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';

/** Signs of life that must be gone, ms. */
const GONE_MS = 2000;

interface SignedIn {
  device: SoftwareDevice;
  cookie: string;
  /** Resolves with the close code. */
  closed: Promise<number>;
}

const send = (product: Product, method: string, path: string, cookie: string, body?: unknown) =>
  fetch(product.relayUrl + path, {
    method,
    headers: { cookie, origin: product.relayUrl, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });

async function newDevice(product: Product): Promise<SignedIn> {
  const login = await send(product, 'POST', '/api/auth/login', '', { password: product.password });
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
  const device = new SoftwareDevice();
  const added = await send(product, 'POST', '/api/auth/device', cookie, { publicKey: device.publicKey });
  assert.is(added.status, 201);
  device.id = (await added.json() as DeviceRegistration).device.id;
  const socket = await dial(`${product.relayUrl.replace('http', 'ws')}/api/live`, {
    headers: { cookie, origin: product.relayUrl },
  });
  return { device, cookie, closed: new Promise((resolve) => socket.onclose = resolve) };
}

async function subscribe(product: Product, cookie: string, name: string): Promise<void> {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const keys = { p256dh: ecdh.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') };
  const body = { endpoint: `https://push.example/${name}`, keys, device: name };
  assert.is((await send(product, 'POST', '/api/push/subscriptions', cookie, body)).status, 201);
}

async function subscribed(product: Product): Promise<string[]> {
  const response = await fetch(`${product.localUrl}/api/push/subscriptions`);
  const { subscriptions } = await response.json() as { subscriptions: { device: string }[] };
  return subscriptions.map(({ device }) => device).sort();
}
const keyOf = async (response: Response) => ((await response.json()) as { publicKey: string }).publicKey;

test('a revoked device: cookie, key, socket and push are over within 2 s, and stay so', async () => {
  const product = await startProduct();
  try {
    const mine = await product.login();
    const [phone, tablet] = [await newDevice(product), await newDevice(product)];
    await subscribe(product, phone.cookie, 'phone');
    await subscribe(product, tablet.cookie, 'tablet');
    assert.equal(await subscribed(product), ['phone', 'tablet']);

    const started = performance.now();
    assert.is((await send(product, 'DELETE', `/api/auth/devices/${phone.device.id}`, mine)).status, 200);
    assert.is(await phone.closed, 4401);
    assert.is((await send(product, 'GET', '/api/agents', phone.cookie)).status, 401);
    await until('the subscription is gone', async () => (await subscribed(product)).join() === 'tablet', GONE_MS);
    const ms = performance.now() - started;
    console.log(`revoked: cookie, socket and push were over after ${ms.toFixed(0)} ms`);
    assert.ok(ms < GONE_MS);

    // While the machine is away, and over a restart of the relay.
    await product.agent!.kill();
    assert.is((await send(product, 'DELETE', `/api/auth/devices/${tablet.device.id}`, mine)).status, 200);
    await product.relay!.kill('SIGKILL');
    await product.startRelay();
    await product.startAgent();
    await product.tunnel(true);
    await until('the other is gone too', async () => (await subscribed(product)).length === 0, GONE_MS);
    for (const { cookie, device } of [phone, tablet]) {
      assert.is((await send(product, 'GET', '/api/agents', cookie)).status, 401);
      const asked = await send(product, 'POST', '/api/auth/device/challenge', '', {});
      const { challenge } = await asked.json() as { challenge: string };
      const proof = device.proof(product.relayUrl, challenge);
      assert.is((await send(product, 'POST', '/api/auth/device/renew', '', proof)).status, 401);
    }
  } finally {
    await product.close();
  }
});

test("the relay's push key is one over restarts of both, and another than the machine's own", async () => {
  const product = await startProduct();
  try {
    const through = async () => await keyOf(await product.fetch('/api/push/key'));
    const own = await keyOf(await fetch(`${product.localUrl}/api/push/key`));
    const key = await through();
    assert.is.not(key, own);
    await product.agent!.kill('SIGKILL');
    await product.relay!.kill('SIGKILL');
    await product.startRelay();
    await product.startAgent();
    await product.tunnel(true);
    assert.equal([await through(), await keyOf(await fetch(`${product.localUrl}/api/push/key`))], [key, own]);
    const output = product.agent!.output() + product.relay!.output();
    assert.not(output.includes('privateKey'));
  } finally {
    await product.close();
  }
});

test.run();
