/**
 * Telegram: notices go to a chat; a permission that is seen whole there has the two buttons. They are there only in the chat
 * with one person, whose number is the chat's own: of a group nobody knows who presses.
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { DecisionBody, DecisionRecord } from '../../core/api/messages.ts';
import { fields, list, string, time } from '../../core/api/schema.ts';
import type { Timer } from '../../core/clock.ts';
import type { AgentContext } from '../context.ts';
import { DecidedError } from '../session/requests.ts';
import { type Document, openDocument } from '../store/document.ts';
import type { NoticeListener } from './notifier.ts';
import { clip, type Notice, plainText, type Sender, SendError } from './sender.ts';
import { type Press, TELEGRAM_API, TelegramApi } from './telegram-api.ts';

/** Telegram takes 4,096 characters. */
const TEXT_LENGTH = 4000;
/** Requests whose buttons are looked after; older ones are forgotten, their buttons then say "Too late". */
export const MAX_ASKED = 200;
/** Pauses after a failure to ask for news, ms. */
const RETRY_MS = [5_000, 30_000, 60_000];

/** A message with buttons. */
interface Asked {
  /** In the buttons' data: it says nothing to anybody else. */
  key: string;
  agent: string;
  request: string;
  chat: string;
  /** null: it is being sent. */
  message: number | null;
  text: string;
}

interface TelegramState {
  asked: readonly Asked[];
  /** The next update of Telegram's that is wanted. */
  offset: number;
}

/** Throws Failure, and DecidedError when somebody else was first. */
export type Decide = (agent: string, request: string, body: DecisionBody, by: string) => Promise<{
  decision: DecisionRecord;
}>;

export class Telegram implements Sender, NoticeListener {
  readonly channel = 'telegram';
  readonly configured: boolean;
  readonly setup = 'Set TELEGRAM_BOT_TOKEN in the .env file of the agent machine: @BotFather makes a bot and names it.';
  readonly #context: AgentContext;
  readonly #api: TelegramApi | null;
  readonly #document: Document<TelegramState>;
  readonly #decide: Decide;
  readonly #end = new AbortController();
  #polling: Promise<void> | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #closing: Promise<void> = Promise.resolve();

  constructor(context: AgentContext, decide: Decide) {
    const { telegram, dataDir, allowPrivateAddresses: allowPrivate } = context.config;
    this.#context = context;
    this.#decide = decide;
    this.configured = telegram !== null;
    this.#api = telegram && new TelegramApi({ ...telegram, address: telegram.address || TELEGRAM_API, allowPrivate });
    this.#document = openDocument<TelegramState>({
      path: join(dataDir, 'telegram.json'),
      initial: { asked: [], offset: 0 },
      parse: parseState,
      warn: (text) => context.warn('telegram', text),
    });
    this.#poll();
  }

  async send(chat: string, notice: Notice): Promise<void> {
    if (!this.#api) throw new SendError('Telegram is not set up.', { isFinal: true });
    const asked = askedOf(chat, notice);
    if (!asked) return void await this.#api.sendMessage(chat, clip(plainText(notice), TEXT_LENGTH), []);
    await this.#change((all) => [...all.slice(-(MAX_ASKED - 1)), asked]);
    try {
      const message = await this.#api.sendMessage(chat, asked.text, [
        { text: 'Allow once', callback_data: `allow ${asked.key}` },
        { text: 'Deny', callback_data: `deny ${asked.key}` },
      ]);
      await this.#change((all) => all.map((entry) => (entry.key === asked.key ? { ...entry, message } : entry)));
      // The request may have ended while its message was on its way.
      if (!this.#document.value.asked.some(({ key }) => key === asked.key)) {
        await this.#takeBack([{ ...asked, message }], 'No longer asked');
      }
    } catch (error) {
      await this.#change((all) => all.filter(({ key }) => key !== asked.key));
      throw error;
    }
    this.#poll();
  }

  /** Requests whose buttons stand. */
  shown(): { agent: string; request: string }[] {
    return this.#document.value.asked.map(({ agent, request }) => ({ agent, request }));
  }

  /** The request needs no answer any more: its message says so and loses its buttons. */
  settled(agent: string, request: string, text: string): void {
    const done = this.#document.value.asked.filter((entry) => entry.agent === agent && entry.request === request);
    if (done.length) this.#closing = this.#closing.then(() => this.#takeBack(done, text)).catch(() => {});
  }

  async #takeBack(done: readonly Asked[], title: string): Promise<void> {
    const keys = done.map(({ key }) => key);
    await this.#change((all) => all.filter(({ key }) => !keys.includes(key)));
    for (const { chat, message, text } of done) {
      if (message === null) continue;
      await this.#api?.editMessage(chat, message, `${text}\n\n${title}`).catch((error) =>
        this.#context.log.warn((error as Error).message)
      );
    }
  }

  async #change(change: (asked: readonly Asked[]) => readonly Asked[]): Promise<void> {
    await this.#document.update((state) => ({ ...state, asked: change(state.asked) }));
  }

  /** Asks for pressed buttons as long as there are any to be pressed. */
  #poll(): void {
    const isWanted = this.#document.value.asked.length > 0 && !this.#end.signal.aborted && this.#api !== null;
    if (!isWanted || this.#polling || this.#timer !== null) return;
    this.#polling = this.#ask().finally(() => {
      this.#polling = null;
      this.#poll();
    });
  }

  async #ask(): Promise<void> {
    const { clock, log } = this.#context;
    try {
      const { presses, next } = await this.#api!.presses(this.#document.value.offset, this.#end.signal);
      for (const press of presses) await this.#onPress(press);
      // Only now: after a crash Telegram tells them again, and a decision that was made is answered as before.
      await this.#document.update((state) => ({ ...state, offset: next }));
      this.#failures = 0;
    } catch (error) {
      if (this.#end.signal.aborted) return;
      const pause = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)]!;
      log.warn((error as Error).message, { again: true });
      this.#timer = clock.setTimeout(() => {
        this.#timer = null;
        this.#poll();
      }, pause);
    }
  }

  async #onPress({ id, from, chat, data }: Press): Promise<void> {
    const [decision, key] = data.split(' ');
    const asked = this.#document.value.asked.find((entry) => entry.key === key);
    const isOwner = asked !== undefined && from === asked.chat && chat === asked.chat;
    if (asked && !isOwner) this.#context.log.warn('a button in Telegram was pressed by somebody else: refused');
    const isKnown = isOwner && (decision === 'allow' || decision === 'deny');
    const text = isKnown ? await this.#answer(asked, decision) : 'Too late: this is no longer asked.';
    await this.#api!.answerPress(id, text).catch((error) => this.#context.log.warn((error as Error).message));
  }

  /** @returns what became of it, for the person who pressed */
  async #answer({ key, agent, request }: Asked, decision: 'allow' | 'deny'): Promise<string> {
    try {
      await this.#decide(agent, request, { decision, clientId: uuidOf(key) }, 'Telegram');
      return decision === 'allow' ? 'Allowed.' : 'Denied.';
    } catch (error) {
      if (error instanceof DecidedError) {
        const word = error.decision.decision === 'deny' ? 'denied' : 'allowed';
        return `Already ${word} by ${error.decision.by}.`;
      }
      const isGone = error instanceof Failure && (error.code === 'not_found' || error.code === 'request_gone');
      return isGone ? 'Too late: this is no longer asked.' : clip((error as Error).message, 180);
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#context.clock.clearTimeout(this.#timer);
    await Promise.all([this.#polling, this.#closing]);
  }
}

/** What is kept of a message with buttons; null: it has none. */
function askedOf(chat: string, { title, approval, link, agent, request }: Notice): Asked | null {
  const text = [title, approval, link].filter(Boolean).join('\n\n');
  if (!approval || !agent || !request || !/^\d+$/.test(chat) || text.length > TEXT_LENGTH) return null;
  return { key: randomBytes(16).toString('base64url'), agent, request, chat, message: null, text };
}

/** A UUID (version 8) that is the same for the same message: a press that is told twice is one decision. */
function uuidOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function parseState(value: unknown): TelegramState {
  const state = fields(value, 'telegram');
  return {
    offset: time(state.offset, 'offset'),
    asked: list((entry, name) => {
      const asked = fields(entry, name);
      const part = (field: string) => string(asked[field], `${name}.${field}`);
      return {
        key: part('key'),
        agent: part('agent'),
        request: part('request'),
        chat: part('chat'),
        text: part('text'),
        message: asked.message === null ? null : time(asked.message, `${name}.message`),
      };
    }, MAX_ASKED)(state.asked, 'asked'),
  };
}
