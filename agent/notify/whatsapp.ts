/** WhatsApp through Twilio's REST interface (POST /2010-04-01/Accounts/{Sid}/Messages.json). */
import { Buffer } from 'node:buffer';
import type { Config } from '../config.ts';
import { clip, plainText, post, type Sender, SendError } from './sender.ts';

/** Longest message body that Twilio takes, characters. */
const BODY_LENGTH = 1600;
const HOST = 'https://api.twilio.com';

/** @param host of the service, without a slash at the end */
export function createWhatsapp(twilio: Config['twilio'], host = HOST): Sender {
  return {
    channel: 'whatsapp',
    configured: twilio !== null,
    setup: 'Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_WHATSAPP_FROM in the .env file of the agent machine.',
    send: async (to, notice) => {
      if (!twilio) throw new SendError('WhatsApp is not set up.', { isFinal: true });
      const { accountSid, authToken, whatsappFrom } = twilio;
      await post({
        service: 'Twilio',
        url: `${host}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`,
        headers: {
          authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          From: address(whatsappFrom),
          To: address(to),
          Body: clip(plainText(notice), BODY_LENGTH),
        }).toString(),
        // The service's own address, set by nobody but tests.
        allowPrivate: true,
        explain,
      });
    },
  };
}

const address = (phone: string) => `whatsapp:${phone.replace(/^whatsapp:/, '')}`;

/** Twilio answers `{"code":21211,"message":"…"}`. Only the code is repeated: the message contains phone numbers. */
function explain(status: number, answer: string): string {
  if (status === 401) return 'the login is wrong. Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.';
  const code = /"code"\s*:\s*(\d+)/.exec(answer)?.[1];
  return code ? `error ${code}, explained at https://www.twilio.com/docs/api/errors/${code}` : 'no reason was given.';
}
