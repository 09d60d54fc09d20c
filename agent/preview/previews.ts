/**
 * Ports of this machine that people opened, and the requests that go to them. Nothing is asked of a port that nobody opened, of
 * another address than loopback, of this server itself, or of another user's program. What is open ends with its agent, its
 * time and this server.
 */
import { randomBytes } from 'node:crypto';
import { Failure } from '../../core/api/errors.ts';
import { MAX_PREVIEWS, type Preview, PREVIEW_MS, type PreviewList } from '../../core/api/previews.ts';
import type { Timer } from '../../core/clock.ts';
import type { HeaderMap, HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { refusePreview } from '../../core/preview/entry.ts';
import type { AgentContext } from '../context.ts';
import { askPort } from './port-request.ts';
import { type PortOwner, Ports } from './ports.ts';

/** Requests and open connections of all previews at a time. */
export const MAX_REQUESTS = 128;

export interface PreviewOptions {
  context: AgentContext;
  /** Throws Failure `not_found`. */
  ownerOf: (agent: string) => PortOwner;
  /** Ports of this server, which lets in whoever comes from this machine. */
  ownPorts: () => readonly number[];
  ports?: Ports;
}

interface Open {
  preview: Preview;
  timer: Timer;
  /** What ends each of its requests and connections. */
  ends: Set<() => void>;
}

export class Previews {
  readonly #options: PreviewOptions;
  readonly #ports: Ports;
  readonly #open = new Map<string, Open>();
  readonly #unsubscribe: () => void;
  #requests = 0;

  constructor(options: PreviewOptions) {
    const { config, subscribe } = options.context;
    this.#options = options;
    this.#ports = options.ports ?? new Ports({ dataDir: config.dataDir });
    this.#unsubscribe = subscribe((change) => {
      if (change.type === 'agent.removed') this.#closeAll(change.id, 'its agent was deleted');
    });
  }

  /** What is open, of all agents. */
  all(): Preview[] {
    return [...this.#open.values()].map(({ preview }) => preview);
  }

  async list(agent: string): Promise<PreviewList> {
    const found = await this.#ports.of(this.#options.ownerOf(agent));
    const own = this.#options.ownPorts();
    return {
      ports: found.filter(({ port }) => !own.includes(port)),
      previews: this.#of(agent),
      detects: this.#ports.detects,
    };
  }

  /** The same port again is the same preview. */
  async open(agent: string, port: number, by: string): Promise<Preview> {
    this.#options.ownerOf(agent);
    if (this.#options.ownPorts().includes(port)) {
      throw new Failure('port_refused', 'This is the port of Agent Monitor itself, which is never shown as a preview.');
    }
    if (await this.#ports.addressOf(port) === null) {
      throw new Failure('port_closed', `No program of yours listens on port ${port} of this machine, on localhost.`);
    }
    this.#options.ownerOf(agent); // It may have been deleted meanwhile.
    const before = this.#of(agent).find((preview) => preview.port === port);
    if (before) return before;
    if (this.#open.size >= MAX_PREVIEWS) throw new Failure('too_many', 'Too many previews are open. Close one first.');
    return this.#add(agent, port, by);
  }

  /** Ends the preview and every connection to it. Throws Failure `not_found`. */
  end(agent: string, id: string, by: string): void {
    if (this.#open.get(id)?.preview.agent !== agent) throw new Failure('not_found', 'This preview is not open.');
    this.#close(id, `closed by ${by}`);
  }

  /** Asks the preview's port for `url`. @param answer the fields that the browser gets */
  async forward(
    id: string,
    url: string,
    req: HttpRequest,
    res: HttpResponse,
    answer: (headers: HeaderMap) => HeaderMap = (headers) => headers,
  ): Promise<void> {
    const open = this.#open.get(id);
    if (!open) return refusePreview(res, 410, 'This preview is closed. Open it again on the dashboard.');
    const { port } = open.preview;
    const address = await this.#ports.addressOf(port);
    if (res.destroyed) return;
    if (address === null) return refusePreview(res, 502, `No program of yours listens on port ${port} any more.`);
    // It may have been closed while the port was looked for.
    if (this.#open.get(id) !== open) return refusePreview(res, 410, 'This preview is closed.');
    if (this.#requests >= MAX_REQUESTS) return refusePreview(res, 503, 'Too many requests of previews at a time.');
    // It throws for what node:http does not send: nothing is counted then.
    const end = askPort({ address, port, url }, req, res, answer);
    this.#requests++;
    open.ends.add(end);
    res.once('close', () => {
      this.#requests--;
      open.ends.delete(end);
    });
  }

  close(): void {
    this.#unsubscribe();
    for (const id of [...this.#open.keys()]) this.#close(id, 'the server ends');
  }

  #of(agent: string): Preview[] {
    return this.all().filter((preview) => preview.agent === agent);
  }

  #add(agent: string, port: number, by: string): Preview {
    const { clock, log } = this.#options.context;
    const id = randomBytes(16).toString('hex');
    const openedAt = clock.now();
    const preview = { id, agent, port, openedAt, expiresAt: openedAt + PREVIEW_MS };
    const timer = clock.setTimeout(() => this.#close(id, 'its time is over'), PREVIEW_MS);
    this.#open.set(id, { preview, timer, ends: new Set() });
    log.info('preview opened', { agent, port, by });
    return preview;
  }

  #closeAll(agent: string, reason: string): void {
    for (const { id } of this.#of(agent)) this.#close(id, reason);
  }

  #close(id: string, reason: string): void {
    const { clock, log } = this.#options.context;
    const { preview, timer, ends } = this.#open.get(id)!;
    this.#open.delete(id);
    clock.clearTimeout(timer);
    for (const end of [...ends]) end();
    log.info('preview closed', { agent: preview.agent, port: preview.port, reason });
  }
}
