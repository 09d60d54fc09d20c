/**
 * Messages of users on their way to the CLI: on disk first, then handed over in order, then begun. The same id sent again
 * changes nothing.
 */
import { randomUUID } from 'node:crypto';
import type { QueuedMessage } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import type { Attachment, Picture, SendMessageBody, UserMessage } from '../../core/api/messages.ts';
import type { OutgoingMessage, ProviderSession } from '../provider/provider.ts';
import { notSaved } from '../store/document.ts';
import type { MessageLog } from './message-log.ts';
import type { AttachmentStore } from './attachments.ts';
import type { PictureStore } from './pictures.ts';
import { MAX_WAITING, WaitingMessages } from './waiting-messages.ts';

/** Marks a message that was never saved: sending it again is no duplicate. */
const NOT_SAVED = 'It could not be saved. Send it again.';
/** Marks one that was saved only after the session had begun to close: sending it again is no duplicate either. */
const TOO_LATE = 'The agent was being closed. Send it again.';

const NO_PICTURES = 'Its pictures are not kept any more: attach them again.';

const WITH_AGENT = 'The agent already has this message: it can no longer be changed.';

/** The answer to a message that was sent so long ago that it is not kept any more. */
const REMOVED = 'This message was sent before: it is too old to be shown, and is not sent again.';

export interface PromptQueueOptions {
  log(): MessageLog;
  /** Where the bytes of pictures go. */
  pictures: Pick<PictureStore, 'open' | 'retain' | 'settled'>;
  /** Where files that go with messages are. */
  attachments: Pick<AttachmentStore, 'use' | 'outgoing'>;
  /** Why no message is taken at the moment; null: messages are taken. */
  refusing(): Failure | null;
  /** Makes sure that a CLI can be opened, before anything is saved. Throws Failure. */
  prepare(): Promise<void>;
  /** A message was added to those that wait for the CLI. */
  onAccepted(): void;
}

export class PromptQueue {
  readonly #options: PromptQueueOptions;
  #prepared: Promise<void> = Promise.resolve();
  /** Messages that are being saved. */
  readonly #saving = new Map<string, Promise<unknown>>();
  /** Saved and not handed to a CLI yet. */
  readonly #accepted = new WaitingMessages();
  /** Handed to the CLI, which has not begun with them. */
  readonly #undelivered = new Map<string, OutgoingMessage>();
  /** Changes of texts, one after another: each knows what to go back to. */
  #lastEdit: Promise<unknown> = Promise.resolve();

  constructor(options: PromptQueueOptions) {
    this.#options = options;
  }

  /** The CLI holds messages that it has not begun with. */
  get isBusy(): boolean {
    return this.#undelivered.size > 0;
  }

  /** Messages wait for a CLI. */
  get isWaiting(): boolean {
    return this.#accepted.list.length > 0;
  }

  /** No message is on its way to a CLI, not even one that is being saved. */
  get isEmpty(): boolean {
    return !this.isBusy && !this.isWaiting && !this.#saving.size;
  }

  /** In the order in which they will be handed over. */
  get waiting(): readonly OutgoingMessage[] {
    return this.#accepted.list;
  }

  get waitingIds(): ReadonlySet<string> {
    return new Set(this.#accepted.list.map(({ id }) => id));
  }

  /** Throws Failure when the message is refused or cannot be saved. */
  async send(request: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }> {
    const log = this.#options.log;
    const id = request.clientId ?? randomUUID();
    const isKnown = log().get(id) !== undefined || this.#saving.has(id);
    const body = request.again && !isKnown ? await this.#failed(request.again) : request;
    // Nothing is awaited between this and #accept(): of several at once the others wait for the first, then for the next.
    while (this.#saving.has(id)) await this.#saving.get(id);
    this.#refuseIfClosing();
    const known = log().get(id);
    if (log().wasRemoved(id)) throw new Failure('message_gone', REMOVED);
    if (known && known.kind !== 'user') throw new Failure('bad_request', '"clientId" is already used.');
    if (known && known.error !== NOT_SAVED && known.error !== TOO_LATE) return { message: known, duplicate: true };
    if (this.#accepted.list.length + this.#saving.size >= MAX_WAITING) {
      throw new Failure('too_many', `${MAX_WAITING} messages wait for this agent already: send it when some are done.`);
    }
    await this.#accept(id, body, by);
    this.#options.onAccepted();
    return { message: log().get(id) as UserMessage, duplicate: false };
  }

  /** What a message says that no CLI took, with its pictures. Throws Failure. */
  async #failed(id: string): Promise<SendMessageBody> {
    const message = this.#options.log().get(id);
    if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
    if (message.status !== 'failed') throw new Failure('already_sent', 'Only a message that failed is sent again.');
    const images = await Promise.all(message.images.map((picture) => this.#read(picture)));
    return { text: message.text, images, files: message.files ?? [] };
  }

  async #read({ mediaType, hash = '' }: Picture): Promise<{ mediaType: string; data: string }> {
    const { handle } = await this.#options.pictures.open(hash).catch(() => {
      throw new Failure('message_gone', NO_PICTURES);
    });
    try {
      return { mediaType, data: (await handle.readFile()).toString('base64') };
    } finally {
      await handle.close();
    }
  }

  #refuseIfClosing(): void {
    const reason = this.#options.refusing();
    if (reason) throw reason;
  }

  /** There is no moment in which the message is neither being saved nor waiting: the session would count as at rest. */
  async #accept(id: string, body: SendMessageBody, by: string): Promise<void> {
    const saving = this.#inOrder(() => this.#options.prepare()).then(() => this.#save(id, body, by));
    this.#saving.set(id, saving.catch(() => {}));
    try {
      await saving;
      // Taken back while it was being saved.
      if ((this.#options.log().get(id) as UserMessage).status === 'cancelled') return;
      const { files } = this.#options.log().get(id) as UserMessage;
      this.#accepted.addLast({ id, text: body.text, images: body.images ?? [], ...this.#withFiles(files) });
    } finally {
      this.#saving.delete(id);
    }
  }

  #withFiles(files: readonly Attachment[] = []): Pick<OutgoingMessage, 'files'> {
    return files.length ? { files: files.map((file) => this.#options.attachments.outgoing(file)) } : {};
  }

  /** Messages are saved in the order in which they came, however long each takes to be prepared. */
  #inOrder(prepare: () => Promise<void>): Promise<void> {
    const prepared = this.#prepared.then(prepare);
    this.#prepared = prepared.catch(() => {});
    return prepared;
  }

  async #save(id: string, { text, images = [], files: sent = [] }: SendMessageBody, by: string): Promise<void> {
    const log = this.#options.log();
    const attached = await Promise.all(sent.map((file) => this.#options.attachments.use(file)));
    const files = attached.length ? { files: attached } : {};
    const pictures = images.map(({ mediaType, data }) =>
      this.#options.pictures.retain(data) ?? { mediaType, size: Math.floor(data.length * 3 / 4) }
    );
    // On disk before the message that names them.
    if (pictures.length) await this.#options.pictures.settled();
    this.#refuseIfClosing();
    if (log.get(id)) log.patch(id, { status: 'accepted', error: undefined });
    else log.add({ kind: 'user', id, text, images: pictures, ...files, status: 'accepted', by });
    try {
      await log.commit();
    } catch (error) {
      log.patch(id, { status: 'failed', error: NOT_SAVED });
      throw notSaved(error);
    }
    if (this.#options.refusing()) log.patch(id, { status: 'failed', error: TOO_LATE });
    this.#refuseIfClosing();
  }

  /** @returns true when the message has not been handed to a CLI; it will not be then */
  takeBack(id: string): boolean {
    return this.#accepted.take(id) !== undefined || this.#saving.has(id);
  }

  /** Changes what a message says that no CLI has. On disk before it is answered. Throws Failure. */
  edit(id: string, text: string): Promise<void> {
    const edit = this.#lastEdit.then(() => this.#edit(id, text));
    this.#lastEdit = edit.catch(() => {});
    return edit;
  }

  async #edit(id: string, text: string): Promise<void> {
    await this.#saving.get(id);
    const { text: before, images, files } = this.#waitingMessage(id);
    if (!text.trim() && !images.length && !files?.length) {
      throw new Failure('bad_request', '"text" is missing: write a message.');
    }
    const log = this.#options.log();
    this.#accepted.setText(id, text);
    log.patch(id, { text });
    try {
      await log.commit();
    } catch (error) {
      // Handed over meanwhile: it was said so, and is written with what the CLI answers.
      if (!this.#accepted.setText(id, before)) return;
      log.patch(id, { text: before });
      throw notSaved(error);
    }
  }

  /** Moves a message that no CLI has before another; '': to the end. Throws Failure. */
  async move(id: string, before: string): Promise<void> {
    await this.#saving.get(id);
    this.#waitingMessage(id);
    this.#accepted.move(id, before);
  }

  #waitingMessage(id: string): OutgoingMessage {
    const message = this.#accepted.get(id);
    if (!message) throw new Failure('already_sent', WITH_AGENT);
    return message;
  }

  /** Hands the first message that waits to the CLI. `context` stands before its text, for the CLI alone. */
  deliverNext(cli: ProviderSession, context = ''): void {
    const message = this.#accepted.takeFirst();
    if (message) this.#hand(cli, message, context);
  }

  /** Hands over a message before its turn has come. Throws Failure. */
  deliverNow(cli: ProviderSession, id: string): void {
    const message = this.#waitingMessage(id);
    this.#accepted.take(id);
    this.#hand(cli, message, '');
  }

  #hand(cli: ProviderSession, message: OutgoingMessage, context: string): void {
    const log = this.#options.log();
    // It is part of the conversation from here on, not from where it began to wait.
    if (log.lastSeq > (log.get(message.id)?.seq ?? 0)) log.patch(message.id, { after: log.lastSeq });
    this.#undelivered.set(message.id, message);
    cli.send(context ? { ...message, text: `${context}\n\n${message.text}` } : message);
  }

  /** The CLI has begun with a message, or will not begin with it. */
  settle(id: string): void {
    this.#undelivered.delete(id);
    this.#accepted.take(id); // an earlier server has handed it over
  }

  /** A new CLI begins: what the former one had not begun with is not its own. */
  forgetUndelivered(): void {
    this.#undelivered.clear();
  }

  /**
   * Takes up what an earlier server had saved and no CLI has begun with. Each is handed over once more, those at once that were handed
   * over before their turn: the earlier server may have ended before the holder had all of one. What the CLI has already, its holder
   * does not give it again.
   * @param queue as it was shown
   * @param cli the one that runs since then; null: none was started
   */
  async repeat(queue: readonly QueuedMessage[], cli: ProviderSession | null): Promise<void> {
    const open = this.#options.log().open().filter((message) => message.kind === 'user');
    for (const message of inOrder(open, queue.map(({ id }) => id))) {
      if (this.#saving.has(message.id) || this.#accepted.get(message.id)) continue;
      const outgoing = await this.#outgoing(message);
      // The CLI may have begun with it while its pictures were read.
      if (!outgoing || (message.status !== 'accepted' && message.status !== 'queued')) continue;
      if (!cli || !queue.find((entry) => entry.id === message.id)?.handed) {
        this.#accepted.addLast(outgoing);
        continue;
      }
      this.#undelivered.set(message.id, outgoing);
      cli.send(outgoing);
    }
    if (this.isWaiting) this.#options.onAccepted();
  }

  /** null: its pictures are gone, which is on the record then. */
  async #outgoing({ id, text, images, files }: UserMessage): Promise<OutgoingMessage | null> {
    try {
      const pictures = await Promise.all(images.map((picture) => this.#read(picture)));
      return { id, text, images: pictures, ...this.#withFiles(files) };
    } catch {
      this.#options.log().patch(id, { status: 'failed', error: NO_PICTURES });
      return null;
    }
  }

  /** What the CLI had not begun with waits for the next one, before everything else. */
  requeueUndelivered(): void {
    this.#accepted.addFirst(this.#undelivered.values());
  }

  /** Nothing that waits is handed over any more. @returns what waited */
  clear(): OutgoingMessage[] {
    return this.#accepted.takeAll();
  }

  /** Resolves when no message is being saved any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#saving.values());
  }
}

/**
 * Messages as they stood in the queue. Of those in none, as it was saved, the older were handed over last and come first; the
 * newer came right before the end and come last.
 */
function inOrder(messages: UserMessage[], queue: readonly string[]): UserMessage[] {
  const newest = Math.max(0, ...messages.filter(({ id }) => queue.includes(id)).map(({ seq }) => seq));
  const place = ({ id, seq }: UserMessage) => queue.includes(id) ? queue.indexOf(id) : seq > newest ? queue.length : -1;
  return messages.sort((a, b) => place(a) - place(b) || a.seq - b.seq);
}
