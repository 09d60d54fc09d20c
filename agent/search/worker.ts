/** The thread that searches, and that keeps the index up between two searches. It ends with its server. */
import { existsSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { IndexBuilder } from './index-build.ts';
import { IndexFile, removeIndex } from './index-file.ts';
import { queryIndex } from './index-query.ts';
import type { SearchPage, SearchQuery } from './page.ts';
import { scanJournals } from './scan.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.ts';

/** After damage was found the index is made again; when that happens this often, the thread goes on without. */
const MAX_REBUILDS = 2;

interface OpenIndex {
  file: IndexFile;
  builder: IndexBuilder;
}

class SearchWorker {
  readonly #port: MessagePort;
  readonly #settings: WorkerSettings;
  #index: OpenIndex | null = null;
  #rebuilds = 0;
  #isWorking = false;

  constructor(port: MessagePort, settings: WorkerSettings) {
    this.#port = port;
    this.#settings = settings;
    port.on('message', (message: ToWorker) => this.#receive(message));
    this.#open();
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case 'search':
        return this.#search(message.n, message.query);
      case 'changed':
        return this.#guard(({ builder }) => message.agents.forEach((agent) => builder.changed(agent)));
      case 'removed':
        return this.#guard(({ builder }) => builder.removed(message.agent));
      case 'close':
        this.#close();
        return this.#send({ kind: 'closed' });
    }
  }

  #search(n: number, query: SearchQuery): void {
    try {
      this.#send({ kind: 'page', n, page: this.#page(query) });
    } catch (error) {
      this.#send({ kind: 'failed', n, text: String(error) });
    }
  }

  #page(query: SearchQuery): SearchPage {
    let page: SearchPage | null = null;
    this.#guard(({ file, builder }) => {
      const found = queryIndex(file, query);
      page = { ...found, complete: found.complete && builder.isDone, searched: builder.searched };
    });
    return page ?? scanJournals(this.#settings.journals, query);
  }

  /** Uses the index, where there is one, and makes it again when it is damaged. */
  #guard(use: (index: OpenIndex) => void): void {
    if (!this.#index) return;
    // Deleted under us, it would be written for nobody.
    if (!existsSync(this.#settings.index!)) return this.#rebuild('it was deleted');
    try {
      use(this.#index);
    } catch (error) {
      return isDamage(error) ? this.#rebuild(String(error)) : this.#giveUp(String(error));
    }
    this.#work();
  }

  /** The disk is full, or may not be written: what is in the file is as good as before, at the next start. */
  #giveUp(why: string): void {
    this.#close();
    this.#send({ kind: 'no-index', text: why });
  }

  /** From the journals. What is damaged once may be so by chance, what is damaged again and again is not. */
  #rebuild(why: string): void {
    this.#close();
    removeIndex(this.#settings.index!);
    if (this.#rebuilds++ < MAX_REBUILDS) this.#open();
    else this.#send({ kind: 'no-index', text: why });
  }

  #open(): void {
    const { index, journals } = this.#settings;
    if (!index) return;
    let file: IndexFile | null = null;
    try {
      file = new IndexFile(index);
      this.#index = { file, builder: new IndexBuilder(file, journals) };
    } catch (error) {
      closeQuietly(file);
      return this.#rebuild(String(error));
    }
    this.#work();
  }

  #close(): void {
    this.#index?.builder.close();
    closeQuietly(this.#index?.file ?? null);
    this.#index = null;
  }

  /** Piece by piece: a search comes between two. */
  #work(): void {
    if (this.#isWorking || !this.#index || this.#index.builder.isDone) return;
    this.#isWorking = true;
    setImmediate(() => {
      this.#isWorking = false;
      this.#guard(({ builder }) => void builder.step());
    });
  }
}

const isDamage = (error: unknown): boolean => /malformed|not a database|corrupt|no such table/i.test(String(error));

/** What cannot be written, to a file that is damaged or on a full disk, is made again from the journals. */
function closeQuietly(file: IndexFile | null): void {
  try {
    file?.close();
  } catch { /* as above */ }
}

if (parentPort) new SearchWorker(parentPort, workerData as WorkerSettings);
