/**
 * A program that serves pages as a dev server does: says what it was asked, streams events, speaks WebSocket (it sends back what
 * it gets), redirects, sets cookies. `node dev-server.mjs [port] [host]` prints its port.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import process from 'node:process';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const PATHS = {
  '/events': (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    let n = 0;
    const timer = setInterval(() => res.write(`data: ${++n}\n\n`), 50);
    res.on('close', () => clearInterval(timer));
    res.write('data: 0\n\n');
  },
  '/redirect': (req, res) => res.writeHead(302, { location: `http://${req.headers.host}/landed?x=1` }).end(),
  '/elsewhere': (_req, res) => res.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  '/cookies': (_req, res) =>
    res.writeHead(200, {
      'set-cookie': [
        'app=1; Domain=localhost; Path=/',
        'am_session=evil; Path=/',
        '__Host-am_preview=evil',
        '=am_session=evil',
      ],
      'clear-site-data': '"cookies"',
      'access-control-allow-origin': '*',
      'content-security-policy': "script-src 'self'",
    }).end('set'),
  '/slow': (_req, res) => void setTimeout(() => res.end('slow'), 400),
  '/page': (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Dev page</h1>'),
};

export function createDevServer() {
  const server = createServer((req, res) => {
    const own = PATHS[req.url.split('?')[0]];
    if (own) return own(req, res);
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const { method, url, headers } = req;
      const body = Buffer.concat(parts);
      const text = JSON.stringify({
        method,
        url,
        headers,
        size: body.length,
        sha: createHash('sha256').update(body).digest('hex'),
      });
      res.writeHead(200, { 'content-type': 'application/json' }).end(text);
    });
  });
  server.on('upgrade', (req, socket) => {
    const accept = createHash('sha1').update(req.headers['sec-websocket-key'] + MAGIC).digest('base64');
    const protocol = req.headers['sec-websocket-protocol'];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
        `${protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''}\r\n`,
    );
    socket.write(text(JSON.stringify({ origin: req.headers.origin, host: req.headers.host })));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('data', (frame) => {
      const length = frame[1] & 0x7f;
      if ((frame[0] & 0x0f) !== 1 || length > 125) return void socket.end();
      const mask = frame.subarray(2, 6);
      socket.write(text(Buffer.from(frame.subarray(6, 6 + length)).map((byte, i) => byte ^ mask[i % 4]).toString()));
    });
  });
  return server;
}

function text(content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([0x81, bytes.length]), bytes]);
}

if (process.argv[1]?.endsWith('dev-server.mjs')) {
  const [port = '0', host = '127.0.0.1'] = process.argv.slice(2);
  const server = createDevServer();
  server.listen(Number(port), host, () => console.log(server.address().port));
}
