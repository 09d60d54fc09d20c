import { type Budget, NO_BUDGET } from '../../core/api/usage.ts';
import type { Settings } from '../../core/api/settings.ts';

/** Everything as it is typed. */
export type SettingsForm = ReturnType<typeof formOf>;

/** The settings as they are typed: numbers as texts, lists as lines. */
export const formOf = (settings: Settings) => ({
  retentionHours: String(settings.retentionHours),
  archiveDays: String(settings.archiveDays),
  keepAwake: settings.keepAwake === true,
  ...budgetTexts(settings.budget),
  provider: settings.defaults.provider,
  model: settings.defaults.model,
  copyFiles: settings.copyFiles.join('\n'),
  setupCommands: settings.setupCommands.join('\n'),
  roots: settings.roots.join('\n'),
  adminEmail: settings.notify.adminEmail,
  whatsappPhone: settings.notify.whatsappPhone,
  slackWebhookUrl: settings.notify.slackWebhookUrl,
  ntfyUrl: settings.notify.ntfyUrl,
  telegramChat: settings.notify.telegramChat,
  webhookUrl: settings.notify.webhookUrl,
  delaySeconds: String(settings.notify.delaySeconds),
  quietHours: settings.notify.quietHours,
  events: settings.notify.events,
});

/** A server of before has none. */
const budgetTexts = (budget: Budget = NO_BUDGET) => ({
  agentUsd: String(budget.agentUsd),
  agentTokens: String(budget.agentTokens),
  allUsd: String(budget.allUsd),
  allTokens: String(budget.allTokens),
});

const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter(Boolean);
const number = (text: string) => (text.trim() === '' ? NaN : Number(text.replace(',', '.')));

/** The body of PUT /api/settings. */
export const bodyOf = (form: SettingsForm) => ({
  retentionHours: number(form.retentionHours),
  archiveDays: number(form.archiveDays),
  defaults: { provider: form.provider, model: form.model.trim() },
  keepAwake: form.keepAwake,
  budget: {
    agentUsd: number(form.agentUsd),
    agentTokens: number(form.agentTokens),
    allUsd: number(form.allUsd),
    allTokens: number(form.allTokens),
  },
  copyFiles: lines(form.copyFiles),
  setupCommands: lines(form.setupCommands),
  roots: lines(form.roots),
  notify: {
    adminEmail: form.adminEmail.trim(),
    whatsappPhone: form.whatsappPhone.trim(),
    slackWebhookUrl: form.slackWebhookUrl.trim(),
    ntfyUrl: form.ntfyUrl.trim(),
    telegramChat: form.telegramChat.trim(),
    webhookUrl: form.webhookUrl.trim(),
    delaySeconds: number(form.delaySeconds),
    quietHours: form.quietHours,
    events: form.events,
  },
});

export const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What was typed over `from`, on top of `to`. */
export const rebased = (form: SettingsForm, from: SettingsForm, to: SettingsForm): SettingsForm => ({
  ...to,
  ...Object.fromEntries(
    Object.entries(form).filter(([name, value]) => !isSame(value, from[name as keyof SettingsForm])),
  ),
});
