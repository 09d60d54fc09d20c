/** Mail over SMTP. */
import { createTransport } from 'nodemailer';
import type { Config } from '../config.ts';
import { clip, type Notice, plainText, type Sender, SendError } from './sender.ts';

const CONNECT_MS = 10_000;
const SOCKET_MS = 20_000;
const SUBJECT_LENGTH = 150;
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/i;

/** @param ca certificate that is trusted in addition, PEM */
export function createEmail(smtp: Config['smtp'], ca?: string): Sender {
  return {
    channel: 'email',
    configured: smtp !== null,
    setup: 'Set SMTP_HOST (and SMTP_PORT, SMTP_USER, SMTP_PASS, SMTP_FROM) in the .env file of the agent machine.',
    send: async (to, notice) => {
      if (!smtp) throw new SendError('Mail is not set up.', { isFinal: true });
      await sendMail(smtp, to, notice, ca);
    },
  };
}

async function sendMail(smtp: NonNullable<Config['smtp']>, to: string, notice: Notice, ca?: string): Promise<void> {
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.secure,
    auth: smtp.user ? { user: smtp.user, pass: smtp.pass } : undefined,
    // The password never goes over the network in the clear; a server on this machine may do without TLS.
    requireTLS: !smtp.secure && smtp.user !== '' && !LOOPBACK.test(smtp.host),
    tls: ca ? { ca } : undefined,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: smtp.from,
      to: { name: '', address: to },
      subject: clip(notice.title.replace(/\s+/g, ' '), SUBJECT_LENGTH),
      text: plainText(notice),
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } catch (error) {
    throw explain(error, smtp);
  } finally {
    transport.close();
  }
}

function explain(error: unknown, { host, port }: { host: string; port: number }): SendError {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  const where = `${host}:${port}`;
  switch (code) {
    case 'EAUTH':
      return new SendError(`The mail server ${where} refused the login. Check SMTP_USER and SMTP_PASS.`, {
        isFinal: true,
      });
    case 'ETLS':
      return new SendError(`No secure connection to the mail server ${where}. Check SMTP_PORT and SMTP_SECURE.`, {
        isFinal: true,
      });
    case 'EENVELOPE':
    case 'EMESSAGE':
      return new SendError(
        `The mail server ${where} refused the message (${responseCode ?? code}). Check SMTP_FROM and the recipient.`,
        {
          isFinal: (responseCode ?? 500) >= 500,
        },
      );
    default:
      return new SendError(
        `The mail server ${where} did not take the message (${responseCode ?? code ?? 'unknown'}).`,
        { isFinal: false },
      );
  }
}
