/** The user's settings: one document, changed in parts. */
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { join } from 'node:path';
import { parseSettings, type Settings, type SettingsPatch } from '../../core/api/settings.ts';
import { NO_BUDGET } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { openDocument } from '../store/document.ts';

export const DEFAULT_SETTINGS: Settings = {
  retentionHours: 24,
  archiveDays: 90,
  defaults: { provider: DEFAULT_PROVIDER, model: '', flags: {} },
  copyFiles: ['.env', '.env.local', '.env.*.local'],
  setupCommands: [],
  roots: [],
  notify: {
    adminEmail: '',
    whatsappPhone: '',
    slackWebhookUrl: '',
    ntfyUrl: '',
    telegramChat: '',
    webhookUrl: '',
    events: {
      needs_input: true,
      failed: true,
      stuck: true,
      pipeline_complete: true,
      agent_finished: false,
      limit: true,
    },
    delaySeconds: 10,
    quietHours: { on: false, from: '22:00', to: '07:00', timeZone: 'UTC' },
  },
  keepAwake: false,
  deskHooks: 'ask',
  budget: NO_BUDGET,
  acpAgents: [],
};

export type SettingsDocument = Document<Settings>;

export function openSettings(context: AgentContext): SettingsDocument {
  return openDocument<Settings>({
    path: join(context.config.dataDir, 'settings.json'),
    initial: DEFAULT_SETTINGS,
    parse: (value) => mergeSettings(DEFAULT_SETTINGS, parseSettings(value)),
    warn: (text) => context.warn('settings', text),
  });
}

/** The settings with the parts that `patch` names replaced. */
export function mergeSettings(now: Settings, { defaults, notify, budget, ...rest }: SettingsPatch): Settings {
  // Before there was an archive, 0 hours meant that nothing is ever deleted: so it does where nobody says otherwise.
  const archiveDays = rest.archiveDays ?? (rest.retentionHours === 0 ? 0 : now.archiveDays);
  return {
    ...now,
    ...rest,
    archiveDays,
    budget: { ...now.budget, ...budget },
    defaults: { ...now.defaults, ...defaults },
    notify: { ...now.notify, ...notify, events: { ...now.notify.events, ...notify?.events } },
  };
}
