import { DEFAULT_PROVIDER, providerData } from '../../core/api/providers.ts';
import type { AgentFlags, CreateAgentBody, PermissionMode, ProviderName } from '../../core/api/agents.ts';
import { parseCreateAgent } from '../../core/api/agents.ts';
import { ValidationError } from '../../core/api/schema.ts';
import type { Settings } from '../../core/api/settings.ts';
import { deviceStorage, keep } from '../device-storage.ts';
import { ApiError, newId } from '../net/api.ts';
import { t } from '../i18n/all.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

/** Every value as it is typed. */
export interface Form {
  directory: string;
  prompt: string;
  name: string;
  provider: ProviderName;
  mode: PermissionMode;
  model: string;
  effort: string;
  [INSTRUCTIONS_FIELD]: string;
  maxBudgetUsd: string;
  allowedTools: string;
  disallowedTools: string;
  addDirs: string;
  mcpConfig: string;
  resume: string;
  forkSession: boolean;
  fullAuto: boolean;
  chrome: boolean;
  worktree: boolean;
  dangerouslySkipPermissions: boolean;
  adminEmail: string;
  whatsappPhone: string;
  slackWebhookUrl: string;
  /** "More settings" is open. */
  more: boolean;
  /** Of what was posted last: posting that twice makes one agent. Empty while this form has not been posted as it stands. */
  clientId: string;
}

export const EMPTY_FORM: Form = {
  directory: '',
  prompt: '',
  name: '',
  provider: DEFAULT_PROVIDER,
  mode: 'default',
  model: '',
  effort: '',
  [INSTRUCTIONS_FIELD]: '',
  maxBudgetUsd: '',
  allowedTools: '',
  disallowedTools: '',
  addDirs: '',
  mcpConfig: '',
  resume: '',
  forkSession: false,
  fullAuto: false,
  chrome: false,
  worktree: true,
  dangerouslySkipPermissions: false,
  adminEmail: '',
  whatsappPhone: '',
  slackWebhookUrl: '',
  more: false,
  clientId: '',
};

const KEY = 'draft.create';

/** What was typed before; fields of another type than expected are left out. */
export function loadDraft(storage: Pick<Storage, 'getItem'> = deviceStorage): Partial<Form> {
  try {
    const stored = JSON.parse(storage.getItem(KEY) ?? '{}') as Record<string, unknown>;
    const fits = ([name, value]: [string, unknown]) => typeof value === typeof EMPTY_FORM[name as keyof Form];
    return Object.fromEntries(Object.entries(stored).filter(fits));
  } catch {
    return {};
  }
}

/** Keeps what differs from an empty form. */
export function saveDraft(form: Form): void {
  const retained = Object.entries(form).filter(([name, value]) => value !== EMPTY_FORM[name as keyof Form]);
  keep(KEY, JSON.stringify(Object.fromEntries(retained)));
}

/** Something that the user typed or posted is kept. */
export function hasDraft(): boolean {
  const { prompt, name, [INSTRUCTIONS_FIELD]: instructions, resume, clientId } = loadDraft();
  return !!(prompt || name || instructions || resume || clientId);
}

/** The form after a change: another agent than the one that was posted, unless only the page looks different. */
export const edited = (form: Form, part: Partial<Form>): Form => ({
  ...form,
  ...part,
  clientId: Object.keys(part).every((name) => name === 'more') ? form.clientId : '',
});

/** The form as it is posted: again with the same id when it was posted before, maybe from a page that was reloaded since. */
export const posted = (form: Form): Form => ({ ...form, clientId: form.clientId || newId() });

/** The form's values for the defaults of the settings. */
export function fromDefaults({ provider, model, flags }: Settings['defaults']): Partial<Form> {
  const values: Partial<Form> = {
    provider,
    model: model || (flags.model ?? ''),
    mode: flags.permissionMode ?? 'default',
    effort: flags.effort ?? '',
    worktree: flags.worktree ?? true,
    chrome: flags.chrome ?? false,
    fullAuto: flags.fullAuto ?? false,
    maxBudgetUsd: flags.maxBudgetUsd === undefined ? '' : String(flags.maxBudgetUsd),
    allowedTools: (flags.allowedTools ?? []).join(', '),
    disallowedTools: (flags.disallowedTools ?? []).join(', '),
    addDirs: (flags.addDirs ?? []).join(', '),
    mcpConfig: flags.mcpConfig ?? '',
  };
  // What is not set there does not undo what the form begins with.
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== EMPTY_FORM[name as keyof Form]));
}

export const clearDraft = (): void => keep(KEY, '');

/** Names separated by commas or lines; a comma inside brackets belongs to the name: `Bash(git log:*, -n 5)`. */
export function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of text) {
    if (char === '(') depth++;
    if (char === ')') depth = Math.max(0, depth - 1);
    if (char === '\n' || (char === ',' && depth === 0)) {
      parts.push(part);
      part = '';
      depth = 0;
    } else part += char;
  }
  return [...parts, part].map((entry) => entry.trim()).filter(Boolean);
}

/** The body of POST /api/agents: only what was filled in. */
export function bodyOf(form: Form): CreateAgentBody {
  const filled = <T extends object>(values: T): Partial<T> =>
    Object.fromEntries(
      Object.entries(values).filter(([, v]) => v !== '' && v !== false && !(Array.isArray(v) && !v.length)),
    ) as Partial<T>;
  const flags: AgentFlags = {
    ...filled({
      model: form.model.trim(),
      effort: form.effort,
      resume: form.resume.trim(),
      fullAuto: form.fullAuto && can(form).fullAuto,
      dangerouslySkipPermissions: form.dangerouslySkipPermissions,
      forkSession: form.forkSession && !!form.resume.trim() && can(form).fork,
      addDirs: can(form).addDirs ? splitList(form.addDirs) : [],
      chrome: form.chrome && can(form).chrome,
      ...(can(form).limits ? limits(form) : {}),
    }),
    permissionMode: form.mode,
    worktree: form.worktree,
  };
  const { name, prompt, [INSTRUCTIONS_FIELD]: instructions, adminEmail, whatsappPhone, slackWebhookUrl, clientId } =
    form;
  return {
    directory: form.directory.trim(),
    provider: form.provider,
    flags,
    ...filled({
      name: name.trim(),
      prompt,
      [INSTRUCTIONS_FIELD]: instructions,
      adminEmail: adminEmail.trim(),
      whatsappPhone: whatsappPhone.trim(),
      slackWebhookUrl: slackWebhookUrl.trim(),
      clientId,
    }),
  };
}

const can = ({ provider }: Form) => providerData(provider).features;

const limits = (form: Form): AgentFlags => ({
  mcpConfig: form.mcpConfig.trim(),
  allowedTools: splitList(form.allowedTools),
  disallowedTools: splitList(form.disallowedTools),
  ...(form.maxBudgetUsd.trim() ? { maxBudgetUsd: Number(form.maxBudgetUsd.replace(',', '.')) } : {}),
});

/** What is wrong, by field; empty when nothing is. The rules are the server's own. */
export function check(form: Form): Record<string, string> {
  if (!form.directory.trim()) return { directory: t.create.noDirectory };
  if (form.adminEmail.trim() && !/^\S+@\S+\.\S+$/.test(form.adminEmail.trim())) {
    return { adminEmail: t.create.badEmail };
  }
  if (form.slackWebhookUrl.trim() && !/^https:\/\/\S+$/.test(form.slackWebhookUrl.trim())) {
    return { slackWebhookUrl: t.create.badUrl };
  }
  if (can(form).limits && form.maxBudgetUsd.trim() && !(Number(form.maxBudgetUsd.replace(',', '.')) > 0)) {
    return { maxBudgetUsd: t.create.badBudget };
  }
  try {
    parseCreateAgent(bodyOf(form));
    return {};
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return atField(new ApiError(0, error.code, error.message, 0, error.params));
  }
}

/** A sentence of the server's rules, below the field that it is about: there the name need not be said again. */
export function atField({ message, field }: Pick<ApiError, 'message' | 'field'>): Record<string, string> {
  const name = formField(field || message.replace(/^"([^"]*)".*$/s, '$1')); // servers of before named it in the sentence alone
  return { [name ?? 'form']: name ? message.replace(/^"[^"]*" m/, 'M') : message };
}

/** The field of the form for one of the body: `flags.allowedTools[0]` is `allowedTools`. */
function formField(field: string): string | null {
  const name = /^(?:flags\.)?(\w+)/.exec(field)?.[1];
  return name === 'permissionMode' || (name && Object.hasOwn(EMPTY_FORM, name)) ? name : null;
}
