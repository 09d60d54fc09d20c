/** An HTTP service on loopback that keeps what it is asked and answers what the test says. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface StandIn {
  readonly url: string;
  readonly asked: Asked[];
  /** Used for the next requests, one each; the last one stays. */
  answers: Answer[];
  close(): Promise<void>;
}

export async function startStandIn(...answers: Answer[]): Promise<StandIn> {
  const asked: Asked[] = [];
  const standIn = { asked, answers } as { asked: Asked[]; answers: Answer[] };
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => body += chunk);
    req.on('end', () => {
      asked.push({ method: req.method!, url: req.url!, headers: req.headers, body });
      const answer = standIn.answers.length > 1 ? standIn.answers.shift()! : standIn.answers[0]!;
      res.writeHead(answer.status, answer.headers).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return Object.assign(standIn, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
