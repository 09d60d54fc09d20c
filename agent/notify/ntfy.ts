/** ntfy (https://docs.ntfy.sh/publish/#publish-as-json): a notice is published to a topic. The topic is a secret. */
import { clip, type Notice, ownAddress, post, type Sender } from './sender.ts';

/** ntfy makes a file of a longer message: 4,096 bytes. */
const MAX_MESSAGE = 3900;
const TITLE_LENGTH = 250;

/** @param token of the server's access control; empty: the topic is open */
export function createNtfy(token: string, allowPrivate: boolean): Sender {
  return {
    channel: 'ntfy',
    configured: true,
    setup: '',
    send: async (to, notice) => {
      const url = ownAddress(to, 'ntfy', allowPrivate);
      const at = url.pathname.lastIndexOf('/') + 1;
      await post({
        service: 'ntfy',
        url: `${url.origin}${url.pathname.slice(0, at)}`,
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(published(url.pathname.slice(at), notice)),
        allowPrivate,
        explain,
      });
    },
  };
}

/** Priorities: 4 rings, 3 is the ordinary one. */
const published = (topic: string, { event, title, text, link }: Notice) => ({
  topic,
  title: clip(title, TITLE_LENGTH),
  message: clipBytes(text || title, MAX_MESSAGE),
  priority: event === 'needs_input' ? 4 : 3,
  ...(link && { click: link }),
});

function clipBytes(text: string, limit: number): string {
  let length = text.length;
  while (new TextEncoder().encode(clip(text, length)).length > limit) length = Math.floor(length * 0.9);
  return clip(text, length);
}

/** ntfy answers `{"code":40101,"http":401,"error":"unauthorized"}`; only the code is repeated. */
function explain(status: number, answer: string): string {
  if (status === 401 || status === 403) return 'this topic needs a login. Check NTFY_TOKEN.';
  const code = /"code"\s*:\s*(\d+)/.exec(answer)?.[1];
  return code ? `error ${code}.` : 'no reason was given.';
}
