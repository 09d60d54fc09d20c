/** /api/settings: what the user set, how channels and tools are, OpenCLI. */
import { readJson } from '../../core/http/body.ts';
import { HttpError, json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import { NOTIFY_CHANNELS } from '../../core/wire/workshop.ts';
import type { Notifier } from '../notify/notifier.ts';
import type { Outbox } from '../notify/outbox.ts';
import { SendError } from '../notify/sender.ts';
import type { OpenCli } from '../opencli-room.ts';
import type { House } from '../rooms.ts';
import { mergeSettings, type SettingsDocument } from '../settings.ts';
import type { Tools } from '../settings-tools.ts';
import { Fields } from './fields.ts';

const NOBODY = { adminEmail: '', whatsappPhone: '', slackWebhookUrl: '' };

export interface SettingsRoom {
  house: House;
  settings: SettingsDocument;
  tools: Tools;
  outbox: Outbox;
  notifier: Notifier;
  openCli: OpenCli;
}

export function settingsRoutes(
  router: Router,
  { house, settings, tools, outbox, notifier, openCli }: SettingsRoom,
): void {
  router.get('/api/settings', (_req, res) => json(res, 200, settings.value));
  router.put('/api/settings', async (req, res) => {
    const body = await readJson(req);
    await settings.update((now) => mergeSettings(now, body));
    house.log.info('settings changed');
    house.publish({ type: 'settings' });
    json(res, 200, settings.value);
  });
  router.get('/api/settings/tools', async (_req, res, { query }) => {
    json(res, 200, await tools.list(query.get('fresh') === '1'));
  });
  router.get('/api/settings/channels', (_req, res) => json(res, 200, outbox.status));

  /** {channel}: sends a test to the address of the settings. */
  router.post('/api/settings/channels/test', async (req, res) => {
    const channel = new Fields(await readJson(req)).choice('channel', NOTIFY_CHANNELS);
    const recipient = notifier.recipients(NOBODY).find((one) => one.channel === channel);
    if (!recipient) throw new HttpError(409, 'no_recipient', 'Save an address for this channel first.');
    const notice = { title: 'A test from Agent Monitor', text: 'Notifications arrive here.', link: notifier.address };
    try {
      await outbox.test(recipient, notice);
    } catch (error) {
      if (!(error instanceof SendError)) throw error;
      throw new HttpError(502, 'not_sent', error.message);
    }
    json(res, 200, { ok: true });
  });

  router.get('/api/settings/opencli', (_req, res) => json(res, 200, openCli.status));
  router.post('/api/settings/opencli', (_req, res) => {
    openCli.sync();
    json(res, 202, openCli.status);
  });
  router.delete('/api/settings/opencli', async (_req, res) => {
    await openCli.remove();
    json(res, 200, openCli.status);
  });
}
