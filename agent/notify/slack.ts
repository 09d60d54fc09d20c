/** Slack's incoming webhooks. The address is the secret: it is never told. */
import { clip, type Notice, post, type Sender, SendError } from './sender.ts';

/** Slack cuts longer texts. */
const TEXT_LENGTH = 3000;

/** Only https. Plain http, and only to this machine, is for tests. */
export function isWebhookAllowed(url: URL, allowLoopback = false): boolean {
  if (url.protocol === 'https:') return true;
  return allowLoopback && url.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(url.hostname);
}

export function createSlack(allowLoopback = false): Sender {
  return {
    channel: 'slack',
    configured: true,
    setup: '',
    send: async (to, notice) => {
      const url = URL.canParse(to) ? new URL(to) : null;
      if (!url || !isWebhookAllowed(url, allowLoopback)) {
        throw new SendError('The Slack webhook must be an address that begins with https://.', { isFinal: true });
      }
      await post({
        service: 'Slack',
        url: url.href,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: slackText(notice) }),
        explain,
      });
    },
  };
}

/** Words of Slack's that are known; anything else of the answer is not repeated. */
function explain(status: number, answer: string): string {
  const word = /^[a-z_]{3,40}$/.exec(answer.trim())?.[0];
  if (status === 404 || word === 'no_service') return 'the webhook is not there (any more). Make a new one.';
  return word ?? 'no reason was given.';
}

/** What an agent says must not mention a channel (`<!here>`), link elsewhere or format itself. */
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const slackText = ({ title, text, link }: Notice) =>
  [`*${escape(title.replaceAll('*', ''))}*`, escape(clip(text, TEXT_LENGTH)), link && `<${link}>`].filter(Boolean).join(
    '\n',
  );
