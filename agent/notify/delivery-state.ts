/** What the queue of notices keeps on disk: what is still to be sent, what was under way, how each channel did. */
import { join } from 'node:path';
import { type ChannelStatus, NOTIFY_CHANNELS, type NotifyChannel } from '../../core/api/notify.ts';
import { fields, list, oneOf, string, text, time } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';
import type { Notice } from './sender.ts';

/** Notices that wait or are under way; the newest are then only logged. */
export const MAX_DELIVERY = 500;
/** Keys that are remembered: a notice with an older key may be sent again. */
export const MAX_KEY = 1000;

export interface Recipient {
  channel: NotifyChannel;
  to: string;
}

export interface Delivery extends Recipient {
  /** The same for every try. */
  id: string;
  /** What it is about. */
  key: string;
  notice: Notice;
  /** `sending`: written before the service is asked, so that after a crash it is known that nobody knows what became of it. */
  state: 'waiting' | 'sending';
  tries: number;
  /** When it is to be tried, ms since the Unix epoch. */
  dueAt: number;
  /** Notices that this one stands for, when too many came at once. */
  held?: number;
}

export type ChannelRecord = Pick<ChannelStatus, 'sentAt' | 'failedAt' | 'error' | 'unknown'>;

export interface DeliveryState {
  deliveries: readonly Delivery[];
  keys: readonly string[];
  channels: Partial<Record<NotifyChannel, ChannelRecord>>;
}

export const EMPTY_STATE: DeliveryState = { deliveries: [], keys: [], channels: {} };

export const openDeliveryState = ({ config, warn }: AgentContext): Document<DeliveryState> =>
  openDocument<DeliveryState>({
    path: join(config.dataDir, 'deliveries.json'),
    initial: EMPTY_STATE,
    parse: parseState,
    warn: (sentence) => warn('deliveries', sentence),
  });

function parseState(value: unknown): DeliveryState {
  const state = fields(value, 'deliveries');
  const channels = fields(state.channels, 'channels');
  return {
    deliveries: list(parseDelivery, MAX_DELIVERY)(state.deliveries, 'deliveries'),
    keys: list(string, MAX_KEY)(state.keys, 'keys'),
    channels: Object.fromEntries(
      NOTIFY_CHANNELS.filter((name) => channels[name]).map((name) => [name, parseRecord(channels[name], name)]),
    ),
  };
}

function parseDelivery(value: unknown, name: string): Delivery {
  const entry = fields(value, name);
  const notice = fields(entry.notice, `${name}.notice`);
  for (const field of ['event', 'title', 'text', 'link']) string(notice[field], `${name}.notice.${field}`);
  return {
    id: text(100, true)(entry.id, `${name}.id`),
    key: string(entry.key, `${name}.key`),
    channel: oneOf(NOTIFY_CHANNELS)(entry.channel, `${name}.channel`),
    to: string(entry.to, `${name}.to`),
    notice: notice as unknown as Notice,
    state: oneOf(['waiting', 'sending'])(entry.state, `${name}.state`),
    tries: time(entry.tries, `${name}.tries`),
    dueAt: time(entry.dueAt, `${name}.dueAt`),
    ...(typeof entry.held === 'number' ? { held: entry.held } : {}),
  };
}

function parseRecord(value: unknown, name: string): ChannelRecord {
  const record = fields(value, name);
  const orNull = (field: string) => record[field] === null ? null : time(record[field], `${name}.${field}`);
  return {
    sentAt: orNull('sentAt'),
    failedAt: orNull('failedAt'),
    error: string(record.error, `${name}.error`),
    unknown: time(record.unknown, `${name}.unknown`),
  };
}
