/** One stream's sending half: a head, a queue of body with credit, an end; written into records a turn at a time. */
import { END, FRAME_HEADER, type FrameWriter, type PackedHead, packHead, TYPE, UPGRADE } from './frame.ts';
import { release } from '../release.ts';
import { frameCost, MAX_CREDIT, MAX_DATA, MIN_FRAME_COST, SMALL_TURN, WINDOW } from './limits.ts';

/** What a stream keeps before write() says false, bytes. */
const QUEUE_MARK = 256 * 1024;
/** 1xx answers that may wait to be sent. */
const MAX_INFOS = 8;
/** CREDIT, RESET and the fixed parts of what else one turn writes, bytes. */
const SMALL_FRAMES = 6 * FRAME_HEADER;

/** Nothing sent yet; the head is sent; the end is sent. */
export type Half = 'head' | 'body' | 'ended';

export class Outgoing {
  readonly #id: number;
  readonly #opener: boolean;
  #half: Half = 'head';
  #infos: { status: number; head: PackedHead }[] = [];
  #head: PackedHead | null = null;
  #status = 0;
  #upgrade = false;
  #chunks: Uint8Array[] = [];
  /** So much of the first chunk has been taken. */
  #at = 0;
  #pending = 0;
  #finishing = false;
  #trailers: PackedHead | null = null;
  #credit = WINDOW;
  #full = false;
  /** What is queued is the rest of a larger piece. */
  #isRest = false;
  /** Chunks belong to the stream: their memory is freed once they are in records. */
  gives = false;

  /** @param opener its head is an OPEN, not a HEAD */
  constructor(id: number, opener: boolean) {
    this.#id = id;
    this.#opener = opener;
  }

  get half(): Half {
    return this.#half;
  }
  /** Nothing more can be added. */
  get finishing(): boolean {
    return this.#finishing || this.#half === 'ended';
  }

  /** false: it cannot be a head, or there was one. `status` is not used by an opener. */
  putHead(strings: readonly string[], status: number, upgrade: boolean): boolean {
    const head = this.#half === 'head' && !this.#head ? packHead(strings) : null;
    if (!head) return false;
    this.#head = head;
    this.#status = status;
    this.#upgrade = upgrade;
    return true;
  }
  putInfo(status: number, fields: readonly string[]): boolean {
    const early = this.#half === 'head' && !this.#head && this.#infos.length < MAX_INFOS;
    const head = early ? packHead(fields) : null;
    if (head) this.#infos.push({ status, head });
    return head !== null;
  }
  /** false: over the mark; `roomAgain` tells when it is below. */
  putBody(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    this.#pending += chunk.length;
    return !(this.#full = this.#pending >= QUEUE_MARK);
  }
  /** Trailers that cannot be packed are left out: the body is whole without them. */
  putEnd(trailers?: readonly string[]): void {
    this.#finishing = true;
    this.#trailers = trailers?.length ? packHead(trailers) : null;
  }
  /** The peer gives credit. false: none, or more than there can be. */
  addCredit(more: number): boolean {
    if (more === 0 || this.#credit + more > MAX_CREDIT) return false;
    this.#credit += more;
    return true;
  }
  /** Whether the queue has gone below its mark since putBody gave false; true once. */
  roomAgain(): boolean {
    if (!this.#full || this.#pending >= QUEUE_MARK) return false;
    this.#full = false;
    return true;
  }
  /** Forgets everything: the half has ended without its end. */
  close(): void {
    this.#half = 'ended';
    this.#infos = [];
    this.#head = this.#trailers = null;
    this.#chunks = [];
    this.#pending = this.#at = 0;
  }

  /** There is something that may be sent now. */
  get wantsTurn(): boolean {
    if (this.#half === 'ended') return false;
    if (this.#half === 'head') return this.#infos.length > 0 || this.#head !== null;
    return this.#pending > 0 ? this.#credit >= MIN_FRAME_COST : this.#finishing;
  }
  /** Most bytes that the next turn writes. */
  get turnSize(): number {
    const head = this.#infos[0]?.head ?? this.#head ?? this.#trailers;
    return (head?.size ?? 0) + Math.min(this.#pending, MAX_DATA) + SMALL_FRAMES;
  }

  /** The next turn says something short and whole: all of a message, or all of a request or answer. */
  get brief(): boolean {
    if (this.#isRest || !this.wantsTurn || this.turnSize > SMALL_TURN) return false;
    return this.#half === 'head' ? this.#head !== null && this.#finishing : this.#pending > 0;
  }

  /** One frame, if one is due: with at most `budget` (MAX_DATA or less) of body. @returns whether the half has ended with it */
  turn(writer: FrameWriter, budget: number): boolean {
    if (!this.wantsTurn) return false;
    if (this.#infos.length > 0) this.#writeInfo(writer);
    else if (this.#half === 'head') this.#writeHead(writer, budget);
    else if (this.#pending > 0) this.#writeData(writer, budget);
    else this.#writeEnd(writer);
    return this.#half === 'ended';
  }

  #writeInfo(writer: FrameWriter): void {
    const { status, head } = this.#infos.shift()!;
    writer.begin(TYPE.info, 0, this.#id);
    writer.u16(status);
    writer.strings(head);
    writer.finish();
  }
  #writeHead(writer: FrameWriter, budget: number): void {
    const size = this.#allowance(budget);
    const end = this.#endsWith(size);
    writer.begin(this.#opener ? TYPE.open : TYPE.head, end | (this.#upgrade ? UPGRADE : 0), this.#id);
    if (!this.#opener) writer.u16(this.#status);
    writer.strings(this.#head!);
    this.#takeBody(writer, size);
    writer.finish();
    this.#head = null;
    this.#half = end ? 'ended' : 'body';
  }
  #writeData(writer: FrameWriter, budget: number): void {
    const size = this.#allowance(budget);
    const end = this.#endsWith(size);
    writer.begin(TYPE.data, end, this.#id);
    this.#takeBody(writer, size);
    writer.finish();
    if (end) this.#half = 'ended';
  }
  /** An end for which no frame with body was left to carry the flag. */
  #writeEnd(writer: FrameWriter): void {
    writer.begin(this.#trailers ? TYPE.trailers : TYPE.data, END, this.#id);
    if (this.#trailers) writer.strings(this.#trailers);
    writer.finish();
    this.#half = 'ended';
  }

  #allowance(budget: number): number {
    return Math.min(this.#pending, budget, this.#credit);
  }
  /** The flag of a frame that takes so much of the body. */
  #endsWith(size: number): number {
    return this.#finishing && size === this.#pending && !this.#trailers ? END : 0;
  }
  #takeBody(writer: FrameWriter, size: number): void {
    this.#credit -= frameCost(size);
    this.#pending -= size;
    this.#isRest = this.#pending > 0;
    let left = size;
    let taken = 0;
    while (left > 0) {
      const chunk = this.#chunks[taken]!;
      const count = Math.min(left, chunk.length - this.#at);
      writer.bytes(count === chunk.length ? chunk : chunk.subarray(this.#at, this.#at + count));
      left -= count;
      this.#at += count;
      if (this.#at < chunk.length) break;
      this.#at = 0;
      taken++;
      if (this.gives) release(chunk);
    }
    if (taken === this.#chunks.length) this.#chunks = [];
    else this.#chunks.splice(0, taken);
  }
}
