/**
 * A webhook of the owner's own: every notice as JSON, signed as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`,
 * `webhook-signature: v1,<base64 of HMAC-SHA-256 over "id.timestamp.body">`), so that a receiver can check who sent it and
 * tell a repetition.
 */
import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { type Notice, ownAddress, post, type Sender } from './sender.ts';

export interface WebhookOptions {
  /** `whsec_` and base64, or any text. Empty: not set up. */
  secret: string;
  allowPrivate: boolean;
  now(): number;
}

export function createWebhook({ secret, allowPrivate, now }: WebhookOptions): Sender {
  return {
    channel: 'webhook',
    configured: secret !== '',
    setup: 'Set WEBHOOK_SECRET in the .env file of the agent machine: the receiver checks the signature with it.',
    send: async (to, notice, id) => {
      const url = ownAddress(to, 'the webhook', allowPrivate);
      const seconds = Math.floor(now() / 1000);
      const body = JSON.stringify(payloadOf(notice, now()));
      await post({
        service: 'The webhook',
        url: url.href,
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': signature(secret, id, seconds, body),
        },
        body,
        allowPrivate,
        explain: () => 'its answer is not repeated here.',
      });
    },
  };
}

/** The value of `webhook-signature`. */
export function signature(secret: string, id: string, seconds: number, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

const payloadOf = ({ event, title, text, link, agent, request }: Notice, now: number) => ({
  type: event,
  timestamp: new Date(now).toISOString(),
  data: { title, text, link, agent: agent ?? null, request: request ?? null },
});
