/** The user's settings: one document, changed in parts. */
import { join } from 'node:path';
import type { AgentFlags } from '../core/wire/types.ts';
import { NOTIFY_EVENTS, type NotifyEvent, type NotifySettings, type Settings } from '../core/wire/workshop.ts';
import { bad, defined, Fields, LIMITS } from './api/fields.ts';
import type { Document, House } from './rooms.ts';
import { openDocument } from './store/document.ts';
import { splitWords } from './workspace/setup.ts';

/** Ten years: retention beyond it means never. */
const MAX_HOURS = 24 * 3650;
const MAX_DELAY_S = 3600;
/** More would make a pattern slow to match. */
const MAX_STARS = 4;

export const DEFAULT_SETTINGS: Settings = {
  retentionHours: 24,
  defaults: { provider: 'claude', model: '', flags: {} },
  copyFiles: ['.env', '.env.local', '.env.*.local'],
  setupCommands: [],
  roots: [],
  notify: {
    adminEmail: '',
    whatsappPhone: '',
    slackWebhookUrl: '',
    events: { needs_input: true, failed: true, stuck: true, pipeline_complete: true, agent_finished: false },
    delaySeconds: 10,
  },
};

export type SettingsDocument = Document<Settings>;

export function openSettings(house: House): SettingsDocument {
  return openDocument<Settings>({
    path: join(house.config.dataDir, 'settings.json'),
    initial: DEFAULT_SETTINGS,
    parse: (value) => mergeSettings(DEFAULT_SETTINGS, value),
    warn: (text) => house.warn('settings', text),
  });
}

/** The settings with the parts that `body` names replaced. Throws HttpError 400. */
export function mergeSettings(now: Settings, body: unknown): Settings {
  const fields = new Fields(body);
  const defaults = fields.object('defaults');
  const notify = fields.object('notify');
  return {
    retentionHours: fields.number('retentionHours', 0, MAX_HOURS) ?? now.retentionHours,
    defaults: {
      provider: defaults?.provider('provider') ?? now.defaults.provider,
      model: defaults?.text('model', LIMITS.name) ?? now.defaults.model,
      flags: careful(defaults?.flags('flags')) ?? now.defaults.flags,
    },
    copyFiles: patterns(fields.texts('copyFiles', LIMITS.path)) ?? now.copyFiles,
    setupCommands: commands(fields.texts('setupCommands', LIMITS.line)) ?? now.setupCommands,
    roots: folders(fields.texts('roots', LIMITS.path)) ?? now.roots,
    notify: notify ? mergeNotify(now.notify, notify) : now.notify,
  };
}

function mergeNotify(now: NotifySettings, fields: Fields): NotifySettings {
  const events = fields.object('events');
  const chosen = NOTIFY_EVENTS.map((event) => [event, events?.flag(event) ?? now.events[event]] as const);
  return {
    adminEmail: fields.email('adminEmail') ?? now.adminEmail,
    whatsappPhone: fields.phone('whatsappPhone') ?? now.whatsappPhone,
    slackWebhookUrl: fields.webhook('slackWebhookUrl') ?? now.slackWebhookUrl,
    events: Object.fromEntries(chosen) as Record<NotifyEvent, boolean>,
    delaySeconds: fields.number('delaySeconds', 0, MAX_DELAY_S) ?? now.delaySeconds,
  };
}

/** What skips permissions is chosen anew for every agent, and a session to resume belongs to one agent. */
function careful(flags: AgentFlags | undefined): AgentFlags | undefined {
  if (!flags) return undefined;
  if (flags.dangerouslySkipPermissions || flags.permissionMode === 'bypassPermissions') {
    throw bad('defaults.flags', 'without skipping permissions: choose that for each agent');
  }
  const { resume: _, forkSession: __, dangerouslySkipPermissions: ___, ...rest } = flags;
  return defined(rest);
}

const trimmed = (list: string[] | undefined) => list?.map((one) => one.trim()).filter(Boolean);

function patterns(list: string[] | undefined): string[] | undefined {
  for (const one of trimmed(list) ?? []) {
    const isOutside = one.startsWith('/') || one.split('/').includes('..');
    if (isOutside || one.split('*').length > MAX_STARS + 1) {
      throw bad('copyFiles', 'a list of paths below the repository, e.g. ".env" or "config/*.local.json"');
    }
  }
  return trimmed(list);
}

function commands(list: string[] | undefined): string[] | undefined {
  for (const one of trimmed(list) ?? []) {
    if (!splitWords(one)) {
      throw bad('setupCommands', `a list of commands; a quote is not closed, or the program is missing, in ${one}`);
    }
  }
  return trimmed(list);
}

function folders(list: string[] | undefined): string[] | undefined {
  for (const one of trimmed(list) ?? []) {
    if (!one.startsWith('/') || one.includes('\0')) {
      throw bad('roots', 'a list of whole paths, each beginning with "/"');
    }
  }
  return trimmed(list);
}
