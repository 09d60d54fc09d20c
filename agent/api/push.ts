/** /api/push: the key that pages subscribe with, the devices that are subscribed, and a message that tests one. */
import { parseField, text } from '../../core/api/schema.ts';
import { parseSubscribe } from '../../core/api/push.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Push } from '../push/push.ts';
import { checkIsRelay, parseDevices, relayDevice } from './relay-word.ts';
import { readBody, whoAsks } from './request.ts';

const MAX_ID = 100;

export function pushRoutes(router: Router, push: Push): void {
  router.get('/api/push/key', async (req, res) => {
    json(res, 200, { publicKey: await push.keys.publicKey(req.transport) });
  });
  router.get('/api/push/subscriptions', (_req, res) => {
    json(res, 200, { subscriptions: push.subscriptions.list() });
  });
  router.post('/api/push/subscriptions', async (req, res) => {
    const body = await readBody(req, parseSubscribe);
    const vapidKey = await push.keys.publicKey(req.transport);
    const device = relayDevice(req);
    const subscriber = { vapidKey, ...(device ? { relayDevice: device } : {}) };
    json(res, 201, await push.subscriptions.add({ ...body, device: body.device ?? whoAsks(req) }, subscriber));
  });
  router.delete('/api/push/subscriptions/:id', async (_req, res, { params }) => {
    await push.subscriptions.remove(params.id!);
    json(res, 200, { ok: true });
  });
  // The relay itself: which devices are signed in.
  router.put('/api/relay/devices', async (req, res) => {
    checkIsRelay(req, 'devices');
    await push.subscriptions.keepDevices(await readBody(req, parseDevices));
    json(res, 200, { ok: true });
  });
  router.post('/api/push/test', async (req, res) => {
    const id = await readBody(req, (value) => parseField(value, 'id', text(MAX_ID, true)));
    json(res, 200, { ok: true, ms: Math.round(await push.test(id)) });
  });
}
