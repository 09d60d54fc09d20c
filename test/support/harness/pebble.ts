/** Pebble, a real ACME server (Debian's package), and its DNS server, on loopback or inside a network namespace. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { freePort, plainEnv, type Program, startProgram, until } from './product.ts';

export interface PebbleOptions {
  /** For its files. */
  directory: string;
  /** Ports at which it looks for the answers to challenges. */
  httpPort: number;
  tlsPort: number;
  /** Share of good nonces that it refuses, in percent; its own default is 5. */
  nonceReject?: number;
  /** Seconds that its certificates are valid; its own default is five years. */
  validity?: number;
  /** Name → IPv4 address, in its DNS. Every other name leads to 127.0.0.1. */
  names?: Record<string, string>;
  /** Runs a program where pebble is to run. */
  inside?: (command: string, args: string[]) => [string, string[]];
}

export interface Pebble {
  /** Address of its ACME directory. */
  directory: string;
  /** The file of the root that its own https is signed by, for NODE_EXTRA_CA_CERTS. */
  caFile: string;
  ca: string;
  /** Address of its management, where the roots are. */
  management: string;
  output(): string;
  /** The root of the certificates that it gives, in PEM form. Only when it is not inside of something. */
  root(): Promise<string>;
  /** It forgets all accounts and orders. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const { directory, httpPort, tlsPort, inside = (command, args) => [command, args] } = options;
  const [port, management, dnsPort, dnsManagement] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  const [certificate, privateKey] = [join(directory, 'pebble.pem'), join(directory, 'pebble.key')];
  const subject = ['-subj', '/CN=pebble', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', privateKey];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-out', certificate], { stdio: 'ignore' });
  const config = join(directory, 'pebble.json');
  const addresses = { listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${management}` };
  const pebble = { ...addresses, certificate, privateKey, httpPort, tlsPort, ocspResponderURL: '' };
  const life = options.validity ? { certificateValidityPeriod: options.validity } : {};
  writeFileSync(config, JSON.stringify({ pebble: { ...pebble, externalAccountBindingRequired: false, ...life } }));
  const env = plainEnv({
    PEBBLE_VA_NOSLEEP: '1',
    ...(options.nonceReject === undefined ? {} : { PEBBLE_WFE_NONCEREJECT: String(options.nonceReject) }),
  });
  const start = (command: string, ...args: string[]) => startProgram(...inside(command, args), env, directory);
  const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''];
  const dns = start(
    'pebble-challtestsrv',
    ...off,
    '-dns01',
    `127.0.0.1:${dnsPort}`,
    '-management',
    `127.0.0.1:${dnsManagement}`,
  );
  const begin = () => start('pebble', '-config', config, '-dnsserver', `127.0.0.1:${dnsPort}`);
  let program = begin();
  const ready = (program: Program) =>
    until(() => `pebble:\n${program.output()}`, () => /ACME directory available/.test(program.output()));
  await ready(program);
  await until(() => `the DNS server:\n${dns.output()}`, () => /Starting management/i.test(dns.output()));
  for (const [host, address] of Object.entries(options.names ?? {})) {
    await post(dnsManagement!, '/add-a', { host: `${host}.`, addresses: [address] });
  }
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    caFile: certificate,
    ca: readFileSync(certificate, 'utf8'),
    management: `https://127.0.0.1:${management}`,
    output: () => program.output(),
    root: () => get(`https://127.0.0.1:${management}/roots/0`),
    async restart() {
      await program.kill('SIGKILL');
      program = begin();
      await ready(program);
    },
    async close() {
      await program.kill('SIGKILL');
      await dns.kill('SIGKILL');
    },
  };
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = httpsRequest(url, { rejectUnauthorized: false, agent: false }, async (res) => {
      let text = '';
      for await (const chunk of res) text += chunk;
      resolve(text);
    });
    req.on('error', reject);
    req.end();
  });
}

function post(port: number, path: string, body: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const req = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', agent: false }, (res) => {
      res.resume().on('end', () => res.statusCode === 200 ? resolve() : reject(new Error(`DNS: ${res.statusCode}`)));
    });
    req.on('error', reject);
    req.end(JSON.stringify(body));
  });
}
