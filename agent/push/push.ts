/** Tells the devices that subscribed what the notifier finds worth telling, and takes back what was answered elsewhere. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { approvalText } from '../../core/api/approval.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { type PushContent, type PushPayload, type PushWords, say, type Worded } from '../../core/api/push.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentContext } from '../context.ts';
import { hasTwoAnswers, type Unaddressed } from '../notify/notices.ts';
import type { NoticeListener } from '../notify/notifier.ts';
import { PushKeys } from './keys.ts';
import { PushSender } from './sender.ts';
import { ShownRequests } from './shown-requests.ts';
import { type Subscription, Subscriptions } from './subscriptions.ts';

/** Characters of a notification's text: more is not shown by any system. */
const MAX_BODY = 1000;

type PushSaid = PushContent & { words?: PushWords };

const worded = (title: Worded) => ({ words: { title } });

export interface PushOptions {
  context: AgentContext;
  /** How a push service reaches whoever runs this: an https address or `mailto:`. */
  subject: string;
}

export class Push implements NoticeListener {
  readonly subscriptions: Subscriptions;
  readonly keys: PushKeys;
  readonly #sender: PushSender;
  readonly #now: () => number;
  readonly #machineAtRelay: () => string | null;
  readonly #shown: ShownRequests;
  /** Requests that are told, or about to be: their end may come before they are on disk. */
  readonly #open = new Map<string, { isOver: boolean; isPublished: Promise<void> }>();
  /** Requests whose end is being told. */
  readonly #settling = new Set<string>();
  readonly #busy = new Set<Promise<void>>();

  constructor({ context, subject }: PushOptions) {
    const { config, clock, log } = context;
    this.#now = () => clock.now();
    this.#machineAtRelay = () => context.machineAtRelay();
    this.subscriptions = new Subscriptions(context);
    this.#shown = new ShownRequests(context);
    this.keys = new PushKeys(context);
    this.#sender = new PushSender({
      clock,
      log: log.tagged('Push'),
      key: ({ vapidKey }) => this.keys.find(vapidKey),
      subject,
      allowPrivate: config.allowPrivateAddresses,
      onGone: (id) => void this.subscriptions.remove(id).catch(() => {}),
      onOutcome: (id, outcome) => this.subscriptions.note(id, outcome),
    });
  }

  request(agent: AgentInfo, message: RequestMessage, isQuiet: boolean): void {
    const devices = this.subscriptions.all();
    if (!devices.length) return;
    const name = `${agent.id} ${message.id}`;
    const state = { isOver: false, isPublished: Promise.resolve() };
    state.isPublished = this.#shown.add({ agent: agent.id, request: message.id, devices: devices.map(({ id }) => id) })
      .then(() => {
        if (state.isOver) return;
        for (const device of devices) {
          void this.#send(device, this.#requestPayload(agent, message, device, isQuiet));
        }
      });
    this.#open.set(name, state);
    this.#follow(state.isPublished);
  }

  #requestPayload(agent: AgentInfo, message: RequestMessage, device: Subscription, quiet: boolean): PushSaid {
    const payload = { type: 'request', agent: agent.id, request: message.id, at: this.#now(), quiet } as const;
    if (device.hideDetails) {
      return { ...payload, title: 'An agent needs you', ...worded(say('agent_needs_you')), body: '', actions: false };
    }
    const { text: body, isWhole } = approvalText(message, MAX_BODY);
    const words = worded(say('needs_you', { name: agent.name }));
    return { ...payload, ...words, title: `${agent.name} needs you`, body, actions: isWhole && hasTwoAnswers(message) };
  }

  /** Requests of which a device may still show a notification. */
  shown(): { agent: string; request: string }[] {
    return this.#shown.all().map(({ agent, request }) => ({ agent, request }));
  }

  settled(agentId: string, requestId: string, title: string, words?: Worded): void {
    const name = `${agentId} ${requestId}`;
    if (this.#settling.has(name)) return;
    this.#settling.add(name);
    const state = this.#open.get(name);
    this.#open.delete(name);
    if (state) state.isOver = true;
    const settled = (state?.isPublished ?? Promise.resolve()).then(() =>
      this.#settle(agentId, requestId, title, words)
    );
    this.#follow(settled.finally(() => this.#settling.delete(name)));
  }

  /** Each device that was told of the request is told of its end; it stays on record until its push service has that. */
  async #settle(agent: string, request: string, title: string, words?: Worded): Promise<void> {
    const shown = this.#shown.all().find((entry) => entry.agent === agent && entry.request === request);
    await Promise.all((shown?.devices ?? []).map(async (id) => {
      const device = this.subscriptions.all().find((entry) => entry.id === id);
      const said = device?.hideDetails
        ? { title: 'Done', ...worded(say('done')) }
        : { title, ...(words ? worded(words) : {}) };
      const payload = { type: 'settled', agent, request, ...said } as const;
      const send = device && this.#send(device, { ...payload, at: this.#now() });
      if (!send || await send) await this.#shown.remove(agent, request, [id]);
    }));
  }

  notice({ event, title, text, agent, words = {} }: Omit<Unaddressed, 'path'>, quiet: boolean): void {
    const about = agent ? { type: 'agent', agent } as const : { type: 'pipeline' } as const;
    for (const device of this.subscriptions.all()) {
      if (device.requestsOnly) continue;
      const said = device.hideDetails
        ? {
          ...worded(say(agent ? 'agent_news' : 'pipeline_news')),
          ...{ title: agent ? 'An agent has news' : 'The pipeline has news', body: '' },
        }
        : { title, body: text, words };
      void this.#send(device, { ...about, ...said, event, at: this.#now(), quiet });
    }
  }

  /** Sends a message now. Returns the ms until the push service had it. Throws Failure `not_found` or `not_sent`. */
  async test(id: string): Promise<number> {
    const subscription = this.subscriptions.find(id);
    await this.keys.publicKey('local');
    const [title, body] = ['It works', 'Notifications reach this device.'];
    const words = { title: say('test'), body: say('test_text') };
    const payload = { type: 'test', title, body, words, at: this.#now() } as const;
    return await this.#sender.sendNow(subscription, this.#addressed(subscription, payload)).catch((error) => {
      const reason = (error as Error).message;
      throw new Failure('not_sent', reason, { params: { reason } });
    });
  }

  #send(device: Subscription, content: PushSaid): Promise<boolean> {
    return this.#sender.send(device, this.#addressed(device, content));
  }
  /** A page at the relay must know which of the relay's machines this is. */
  #addressed({ vapidKey }: Subscription, content: PushSaid): PushPayload {
    const machine = this.keys.isRelays(vapidKey) ? this.#machineAtRelay() : null;
    return machine ? { ...content, machine } : content;
  }

  #follow(work: Promise<void>): void {
    const done: Promise<void> = work.catch(() => {}).finally(() => this.#busy.delete(done));
    this.#busy.add(done);
  }

  /** Sends nothing more. Resolves when nothing of it is under way. */
  async close(): Promise<void> {
    this.#sender.close();
    while (this.#busy.size) await Promise.all(this.#busy);
    await this.#sender.settled();
    await this.subscriptions.settled();
  }
}
