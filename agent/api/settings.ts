/** /api/settings: what the user set, how channels and tools are, OpenCLI. */
import { Failure } from '../../core/api/errors.ts';
import { oneOf, pick } from '../../core/api/schema.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import { NOTIFY_CHANNELS, type NotifyChannel } from '../../core/api/notify.ts';
import { parseSettings } from '../../core/api/settings.ts';
import type { Services } from '../domain.ts';
import { type Notice, SendError } from '../notify/sender.ts';
import type { ProviderSet } from '../provider/provider-set.ts';
import type { AgentContext } from '../context.ts';
import { mergeSettings, type SettingsDocument } from '../settings/settings.ts';
import { readBody, whoAsks } from './request.ts';

const parseChannel = (value: unknown) => pick<{ channel: NotifyChannel }>(value, { channel: oneOf(NOTIFY_CHANNELS) });

const NOBODY = { adminEmail: '', whatsappPhone: '', slackWebhookUrl: '' };

/** What the settings page shows and changes. */
export interface SettingsParts extends Pick<Services, 'tools' | 'deliveries' | 'notifier' | 'openCli'> {
  settings: SettingsDocument;
  providers: Pick<ProviderSet, 'acp'>;
}

export function settingsRoutes(router: Router, context: AgentContext, parts: SettingsParts): void {
  const { settings, tools, providers } = parts;
  router.get('/api/settings', (_req, res) => json(res, 200, settings.value));
  router.put('/api/settings', async (req, res) => {
    const patch = await readBody(req, parseSettings);
    await settings.update((now) => mergeSettings(now, patch));
    context.log.info('settings changed', { by: whoAsks(req) });
    context.publish({ type: 'settings' });
    json(res, 200, settings.value);
  });
  router.get('/api/settings/providers', async (_req, res) => json(res, 200, await providers.acp?.() ?? []));
  router.get('/api/settings/tools', async (_req, res, { query }) => {
    json(res, 200, await tools.list(query.get('fresh') === '1'));
  });
  channelRoutes(router, parts);
  openCliRoutes(router, parts);
}

function channelRoutes(router: Router, { deliveries, notifier }: SettingsParts): void {
  router.get('/api/settings/channels', (_req, res) => json(res, 200, deliveries.status));
  /** {channel}: sends a test to the address of the settings. */
  router.post('/api/settings/channels/test', async (req, res) => {
    const { channel } = await readBody(req, parseChannel);
    const recipient = notifier.recipients(NOBODY).find((entry) => entry.channel === channel);
    if (!recipient) throw new Failure('no_recipient', 'Save an address for this channel first.');
    const notice: Notice = {
      event: 'test',
      title: 'A test from Agent Monitor',
      text: 'Notifications arrive here.',
      link: notifier.linkBase && `${notifier.linkBase}/`,
    };
    try {
      await deliveries.test(recipient, notice);
    } catch (error) {
      if (!(error instanceof SendError)) throw error;
      throw new Failure('not_sent', error.message, { params: { reason: error.message } });
    }
    json(res, 200, { ok: true });
  });
}

function openCliRoutes(router: Router, { openCli }: SettingsParts): void {
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
