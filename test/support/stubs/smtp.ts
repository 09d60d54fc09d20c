/** A real SMTP server on a loopback port, with STARTTLS (its own certificate) and login, as mail providers have it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Mail {
  from: string;
  to: string[];
  /** Was the connection encrypted, and who had logged in? */
  secure: boolean;
  user: string;
  /** Head and body as sent. */
  source: string;
}

export interface MailServer {
  readonly port: number;
  /** PEM certificate for "localhost". */
  readonly ca: string;
  readonly mails: Mail[];
  /** Logins that were tried without encryption. */
  readonly clearLogins: number;
  close(): Promise<void>;
}

/** A key and a certificate for localhost, made for this run. */
export function selfSigned(): { key: string; cert: string } {
  const directory = mkdtempSync(join(tmpdir(), 'agent-monitor-cert-'));
  try {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    execFileSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function startMailServer(
  login: { user: string; pass: string },
  options: SMTPServerOptions = {},
): Promise<MailServer> {
  const { key, cert } = selfSigned();
  const mails: Mail[] = [];
  let clearLogins = 0;
  const server = new SMTPServer({
    key,
    cert,
    authMethods: ['PLAIN', 'LOGIN'],
    logger: false,
    ...options,
    onAuth(auth, session, done) {
      if (!session.secure) clearLogins++;
      if (auth.username === login.user && auth.password === login.pass) done(null, { user: auth.username });
      else done(new Error('wrong login'));
    },
    onData(stream, session, done) {
      let source = '';
      stream.on('data', (chunk) => source += chunk);
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map((entry) => entry.address),
          secure: session.secure,
          user: String(session.user ?? ''),
          source,
        });
        done();
      });
    },
  });
  server.on('error', () => {}); // clients that break off
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    ca: cert,
    mails,
    get clearLogins() {
      return clearLogins;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
