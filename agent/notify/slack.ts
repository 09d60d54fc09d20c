/** Slack's incoming webhooks. The address is the secret: it stands in no log and no error. */
import { clip, type Notice, ownAddress, post, type Sender } from './sender.ts';

/** Slack cuts longer texts. */
const TEXT_LENGTH = 3000;

/** @param allowPrivate a stand-in of Slack inside the own network is allowed, then also over plain http */
export function createSlack(allowPrivate: boolean): Sender {
  return {
    channel: 'slack',
    configured: true,
    setup: '',
    send: async (to, notice) => {
      await post({
        service: 'Slack',
        url: ownAddress(to, 'Slack', allowPrivate).href,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: slackText(notice) }),
        allowPrivate,
        explain,
      });
    },
  };
}

/** Repeats only what looks like an error word of Slack's (`invalid_token`); the rest of the answer may hold the address. */
function explain(status: number, answer: string): string {
  const word = /^[a-z_]{3,40}$/.exec(answer.trim())?.[0];
  if (status === 404 || word === 'no_service') return 'the webhook is not there (any more). Make a new one.';
  return word ?? 'no reason was given.';
}

/** The text of an agent must not mention a channel (`<!here>`), link elsewhere or format itself. */
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const slackText = ({ title, text, link }: Notice) =>
  [`*${escape(title.replaceAll('*', ''))}*`, escape(clip(text, TEXT_LENGTH)), link && `<${link}>`].filter(Boolean).join(
    '\n',
  );
