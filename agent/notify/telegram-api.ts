/**
 * Telegram's Bot API (https://core.telegram.org/bots/api), as much as is used. The token is part of every address, so no error
 * here holds one.
 */
import { fields } from '../../core/api/schema.ts';
import { postPublic, type PublicAnswer, RequestFailure } from './public-request.ts';
import { SendError } from './sender.ts';

export const TELEGRAM_API = 'https://api.telegram.org';

/** How long Telegram may hold a question for news, s, and the most news of one answer. */
export const POLL_S = 50;
const MAX_UPDATES = 10;
const REQUEST_MS = 15_000;
/** Bytes of an answer: ten pressed buttons with their messages. */
const MAX_ANSWER = 512 * 1024;
const MAX_PAUSE_MS = 3_600_000;

export interface Button {
  text: string;
  callback_data: string;
}

/** A button that somebody pressed. */
export interface Press {
  updateId: number;
  id: string;
  from: string;
  chat: string;
  data: string;
}

export interface TelegramApiOptions {
  token: string;
  /** Without a slash at the end; a Bot API server of one's own may stand there. */
  address: string;
  allowPrivate: boolean;
}

export class TelegramApi {
  readonly #options: TelegramApiOptions;

  constructor(options: TelegramApiOptions) {
    this.#options = options;
  }

  /** @returns the message's id */
  async sendMessage(chat: string, text: string, buttons: Button[]): Promise<number> {
    const result = await this.#call('sendMessage', {
      chat_id: chat,
      text,
      link_preview_options: { is_disabled: true },
      ...(buttons.length ? { reply_markup: { inline_keyboard: [buttons] } } : {}),
    });
    return Number(fields(result).message_id);
  }

  /** Also takes the buttons away. */
  async editMessage(chat: string, message: number, text: string): Promise<void> {
    await this.#call('editMessageText', {
      chat_id: chat,
      message_id: message,
      text,
      link_preview_options: { is_disabled: true },
    });
  }

  /** Says beside the button what became of it. */
  async answerPress(id: string, text: string): Promise<void> {
    await this.#call('answerCallbackQuery', { callback_query_id: id, text });
  }

  /** Waits up to POLL_S for pressed buttons. @param offset the first update that is wanted */
  async presses(offset: number, signal: AbortSignal): Promise<{ presses: Press[]; next: number }> {
    const ask = { offset, timeout: POLL_S, limit: MAX_UPDATES, allowed_updates: ['callback_query'] };
    const result = await this.#call('getUpdates', ask, { signal, timeoutMs: POLL_S * 1000 + REQUEST_MS });
    const updates = Array.isArray(result) ? result.map((update) => fields(update)) : [];
    const ids = updates.map(({ update_id: id }) => Number(id)).filter(Number.isSafeInteger);
    return { presses: updates.flatMap(readPress), next: Math.max(offset, ...ids.map((id) => id + 1)) };
  }

  /** Throws SendError. */
  async #call(
    method: string,
    body: object,
    { signal, timeoutMs = REQUEST_MS }: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<unknown> {
    const { token, address, allowPrivate } = this.#options;
    const answer = await postPublic({
      url: `${address}/bot${token}/${method}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMs,
      allowPrivate,
      maxAnswer: MAX_ANSWER,
      ...(signal ? { signal } : {}),
    }).catch((error) => {
      const code = error instanceof RequestFailure ? error.code : 'UNKNOWN';
      throw new SendError(`Telegram could not be reached (${code}).`, { isFinal: false });
    });
    return resultOf(answer);
  }
}

function resultOf({ status, text }: PublicAnswer): unknown {
  let answer: Record<string, unknown> = {};
  try {
    answer = fields(JSON.parse(text));
  } catch { /* its status says enough */ }
  if (answer.ok === true) return answer.result;
  const pause = Number((answer.parameters as { retry_after?: unknown } | undefined)?.retry_after) * 1000;
  throw new SendError(`Telegram refused the message (${status}): ${explain(status)}`, {
    isFinal: status >= 400 && status < 500 && status !== 429 && status !== 408,
    retryAfterMs: pause > 0 ? Math.min(pause, MAX_PAUSE_MS) : null,
  });
}

function explain(status: number): string {
  switch (status) {
    case 401:
    case 404:
      return 'the bot is not known. Check TELEGRAM_BOT_TOKEN.';
    case 400:
    case 403:
      return 'the bot may not write to this chat. Write to it once, and check the number of the chat.';
    case 409:
      return 'the bot is asked by another program, or has a webhook. Give this machine a bot of its own.';
    default:
      return 'no reason was given.';
  }
}

function readPress(update: Record<string, unknown>): Press[] {
  const query = update.callback_query as {
    id?: unknown;
    data?: unknown;
    from?: { id?: unknown };
    message?: { chat?: { id?: unknown } };
  } | undefined;
  if (typeof query?.id !== 'string' || typeof query.data !== 'string') return [];
  const [from, chat] = [query.from?.id, query.message?.chat?.id].map(String);
  return [{ updateId: Number(update.update_id), id: query.id, from: from!, chat: chat!, data: query.data }];
}
