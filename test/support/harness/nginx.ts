/** A real nginx with TLS that runs the `server` blocks of a page of the documentation. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from './product.ts';

/** The first nginx block of a page. */
export const nginxBlock = (page: string): string =>
  /```nginx\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, page), 'utf8'))![1]!;

/** Makes a certificate for these names, its own authority: `cert.pem` and `key.pem` in the directory. @returns the certificate */
export function makeCertificate(directory: string, names: readonly string[]): Buffer {
  const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${names[0]}`, '-addext', alternatives, '-keyout', 'key.pem', '-out', 'cert.pem'],
  ], { cwd: directory, stdio: 'ignore' });
  return readFileSync(join(directory, 'cert.pem'));
}

/**
 * Starts nginx in the foreground with these `http` blocks. The certificate is that of the directory, and it listens on this
 * port of 127.0.0.1 instead of 443.
 */
export function startNginx(directory: string, blocks: string, port: number): ChildProcess {
  const http = blocks
    .replace(/ssl_certificate .*/, `ssl_certificate ${directory}/cert.pem;`)
    .replace(/ssl_certificate_key .*/, `ssl_certificate_key ${directory}/key.pem;`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`);
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) =>
    `${name}_temp_path ${directory}/${name};`
  );
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; master_process off; ${user} pid ${directory}/pid; events {}
    http { access_log off; ${temporary.join(' ')}\n${http}\n}`,
  );
  const args = ['-c', join(directory, 'nginx.conf'), '-p', directory, '-e', join(directory, 'error.log')];
  return spawn('/usr/sbin/nginx', args, { stdio: 'inherit' });
}
