/** What is told, to whom, when and how: the part `notify` of the settings, and what an agent chose. Browser-safe. */
import { contactChecks, type Contacts } from './contacts.ts';
import { bool, type Check, fields, MAX_LINE, MAX_NAME, need, number, oneOf, pick, text, wrong } from './schema.ts';

export type NotifyEvent = 'needs_input' | 'failed' | 'stuck' | 'pipeline_complete' | 'agent_finished' | 'limit';

export const NOTIFY_EVENTS: readonly NotifyEvent[] = [
  'needs_input',
  'failed',
  'stuck',
  'pipeline_complete',
  'agent_finished',
  'limit',
];

/** The contacts are used when an agent names none of its own. Empty: none. */
export interface NotifySettings extends Contacts {
  /** Topic of an ntfy server: `https://ntfy.sh/my-topic`. A secret: whoever knows it can read along. */
  ntfyUrl: string;
  /** Telegram's id of the chat. A person's is a positive number: only there are buttons. */
  telegramChat: string;
  /** Gets every notice as a signed POST (Standard Webhooks). */
  webhookUrl: string;
  events: Record<NotifyEvent, boolean>;
  /** A request that is answered within this time notifies nobody. */
  delaySeconds: number;
  quietHours: QuietHours;
}

/** From and to, "22:00", every day; over midnight when `from` is later than `to`. Nothing rings then. */
export interface QuietHours {
  on: boolean;
  from: string;
  to: string;
  /** Of the place where it is to be quiet: "Europe/Berlin". */
  timeZone: string;
}

export type NotifyChannel = 'email' | 'whatsapp' | 'slack' | 'ntfy' | 'telegram' | 'webhook';

export const NOTIFY_CHANNELS: readonly NotifyChannel[] = ['email', 'whatsapp', 'slack', 'ntfy', 'telegram', 'webhook'];

/** What a channel did last: GET /api/settings/channels. */
export interface ChannelStatus {
  channel: NotifyChannel;
  configured: boolean;
  /** What to set when it is not configured. */
  text: string;
  sentAt: number | null;
  failedAt: number | null;
  /** The last failure in a sentence; empty after a success. */
  error: string;
  /** Waiting: for a retry, or for the end of the quiet hours. */
  waiting: number;
  /** Notices of which nobody knows whether they arrived, since the last test: the machine ended while they were sent. */
  unknown: number;
}

/** What an agent's notices are: as the settings say, or its own choice. GET, PUT /api/agents/:id/notify */
export type NotifyLevel = 'default' | 'requests' | 'all' | 'nothing';

export const NOTIFY_LEVELS: readonly NotifyLevel[] = ['default', 'requests', 'all', 'nothing'];

export const notifyLevel: Check<NotifyLevel> = oneOf(NOTIFY_LEVELS);

export type NotifyPatch = Partial<Omit<NotifySettings, 'events'>> & { events?: Partial<NotifySettings['events']> };

const MAX_DELAY_S = 3600;

/** An address without a login in it, or ''. Whether plain http is taken, the sender says. */
const address: Check<string> = (value, name) => {
  const input = text(MAX_LINE)(value, name).trim();
  const url = URL.canParse(input) ? new URL(input) : null;
  const isGood = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return !input || isGood ? input : wrong(name, 'an address that begins with https://');
};

/** The last part of the path is the topic. */
const topic: Check<string> = (value, name) => {
  const input = address(value, name);
  const last = input && new URL(input).pathname.split('/').at(-1)!;
  return !input || /^[\w-]{1,64}$/.test(last!) ? input : wrong(name, 'a topic, e.g. https://ntfy.sh/my-topic');
};

const chat: Check<string> = (value, name) => {
  const input = text(MAX_NAME)(value, name).trim();
  return /^(-?[1-9]\d{0,19})?$/.test(input) ? input : wrong(name, 'the number of a chat, e.g. 123456789');
};

const time: Check<string> = (value, name) => {
  const input = text(MAX_NAME, true)(value, name);
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(input) ? input : wrong(name, 'a time such as 22:00');
};

const timeZone: Check<string> = (value, name) => {
  const input = text(MAX_NAME, true)(value, name);
  try {
    new Intl.DateTimeFormat('en', { timeZone: input });
    return input;
  } catch {
    return wrong(name, 'a time zone such as Europe/Berlin');
  }
};

const quietHours: Check<QuietHours> = (value, name) =>
  need(pick<QuietHours>(value, { on: bool, from: time, to: time, timeZone }, name), 'on', 'from', 'to', 'timeZone');

const events: Check<Partial<NotifySettings['events']>> = (value, name) =>
  pick<NotifySettings['events']>(
    fields(value, name),
    Object.fromEntries(NOTIFY_EVENTS.map((event) => [event, bool])) as Record<NotifyEvent, Check<boolean>>,
    name,
  );

/** Throws ValidationError. */
export const parseNotify: Check<NotifyPatch> = (value, name) =>
  pick<NotifyPatch>(value, {
    ...contactChecks,
    ntfyUrl: topic,
    telegramChat: chat,
    webhookUrl: address,
    events,
    delaySeconds: number(0, MAX_DELAY_S),
    quietHours,
  }, name);
