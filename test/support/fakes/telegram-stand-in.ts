/** Telegram's Bot API as far as it is used, on loopback: keeps messages and presses, holds getUpdates until there is news. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatMessage {
  id: number;
  chat: string;
  text: string;
  /** Data of its buttons; empty when they were taken away. */
  buttons: string[];
}

export interface TelegramStandIn {
  readonly url: string;
  readonly messages: ChatMessage[];
  /** What was said beside a pressed button. */
  readonly answers: { id: string; text: string }[];
  /** Addresses that were asked, with the token in them. */
  readonly asked: string[];
  /** How often it was asked for news. */
  polls: number;
  /** The next calls of sendMessage answer so. */
  faults: { status: number; body: object }[];
  /** Somebody presses a button. @param from the person's id; the chat's own when left out */
  press(message: ChatMessage, button: number, from?: string): string;
  close(): Promise<void>;
}

const RESULT: Record<string, (body: Record<string, any>, there: TelegramStandIn) => unknown> = {
  sendMessage(body, there) {
    const buttons = (body.reply_markup?.inline_keyboard?.[0] ?? []) as { callback_data: string }[];
    const id = there.messages.length + 1;
    const message = { id, chat: String(body.chat_id), text: body.text, buttons: buttons.map((b) => b.callback_data) };
    there.messages.push(message);
    return { message_id: id };
  },
  editMessageText(body, there) {
    const message = there.messages.find(({ id }) => id === body.message_id)!;
    Object.assign(message, { text: body.text, buttons: [] });
    return { message_id: message.id };
  },
  answerCallbackQuery(body, there) {
    there.answers.push({ id: body.callback_query_id, text: body.text });
    return true;
  },
};

/** @param token other tokens get 401 */
export async function startTelegram(token: string, port = 0): Promise<TelegramStandIn> {
  let updates: { update_id: number; callback_query: object }[] = [];
  let next = 100;
  let waiting: { offset: number; res: ServerResponse } | null = null;
  const reply = (res: ServerResponse, status: number, body: object) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const publish = () => {
    if (!waiting) return;
    updates = updates.filter(({ update_id: id }) => id >= waiting!.offset);
    if (!updates.length) return;
    reply(waiting.res, 200, { ok: true, result: updates });
    waiting = null;
  };
  const server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk) => text += chunk);
    req.on('end', () => {
      there.asked.push(req.url!);
      const [, asked, method] = /^\/bot([^/]+)\/(\w+)$/.exec(req.url!) ?? [];
      if (asked !== token) return reply(res, 401, { ok: false, error_code: 401, description: 'Unauthorized' });
      const body = JSON.parse(text);
      if (method === 'getUpdates') {
        there.polls++;
        waiting?.res.destroy();
        waiting = { offset: body.offset, res };
        return publish();
      }
      const fault = method === 'sendMessage' ? there.faults.shift() : undefined;
      if (fault) return reply(res, fault.status, fault.body);
      reply(res, 200, { ok: true, result: RESULT[method!]!(body, there) });
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const there: TelegramStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages: [],
    answers: [],
    asked: [],
    polls: 0,
    faults: [],
    press(message, button, from = message.chat) {
      const id = `press-${next}`;
      const query = { id, from: { id: Number(from) }, data: message.buttons[button] };
      updates.push({
        update_id: next++,
        callback_query: { ...query, message: { message_id: message.id, chat: { id: Number(message.chat) } } },
      });
      publish();
      return id;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return there;
}
