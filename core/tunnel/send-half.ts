/** The sending half of a stream: a head, a queue of body bytes with credit, an end; written into records one frame at a time. */
import { END, FRAME_HEADER, type FrameEncoder, type PackedHead, packHead, TYPE, UPGRADE } from './frame.ts';
import { detach } from '../buffers/detach.ts';
import { frameCost, MAX_CREDIT, MAX_DATA, MIN_FRAME_COST, SMALL_WRITE, WINDOW } from './limits.ts';

/** Bytes that a stream queues before write() returns false. */
const QUEUE_MARK = 256 * 1024;
/** 1xx answers that may wait to be sent. */
const MAX_INFOS = 8;
/** Size of CREDIT, RESET and the fixed parts of the other frames that one call of writeFrame writes, bytes. */
const SMALL_FRAMES = 6 * FRAME_HEADER;

/** Nothing is sent yet; the head is sent; the end is sent. */
export type Half = 'head' | 'body' | 'ended';

export class SendHalf {
  readonly #id: number;
  readonly #opener: boolean;
  #half: Half = 'head';
  #infos: { status: number; head: PackedHead }[] = [];
  #head: PackedHead | null = null;
  #status = 0;
  #upgrade = false;
  #chunks: Uint8Array[] = [];
  /** Offset of the first byte of the first chunk that is not sent yet. */
  #at = 0;
  #pending = 0;
  #finishing = false;
  #trailers: PackedHead | null = null;
  #credit = WINDOW;
  #needsDrain = false;
  /** The queue holds the rest of a larger piece. */
  #isRest = false;
  /** Chunks belong to the stream: their memory is freed once they are copied into records. */
  ownsChunks = false;

  /** @param opener whether the head is an OPEN, not a HEAD */
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

  /** Returns false if the strings cannot form a head, or a head was put before. An opener ignores `status`. */
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
  /** Returns false when the queue is over its mark; `takeDrained` tells when it has drained. */
  putBody(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    this.#pending += chunk.length;
    return !(this.#needsDrain = this.#pending >= QUEUE_MARK);
  }
  /** Trailers that cannot be packed are dropped: the body is whole without them. */
  putEnd(trailers?: readonly string[]): void {
    this.#finishing = true;
    this.#trailers = trailers?.length ? packHead(trailers) : null;
  }
  /** Adds credit of the peer. Returns false for none, and for more than MAX_CREDIT in all. */
  addCredit(more: number): boolean {
    if (more === 0 || this.#credit + more > MAX_CREDIT) return false;
    this.#credit += more;
    return true;
  }
  /** Whether the queue has fallen below its mark since putBody returned false; true once. */
  takeDrained(): boolean {
    if (!this.#needsDrain || this.#pending >= QUEUE_MARK) return false;
    this.#needsDrain = false;
    return true;
  }
  /** Drops everything: the half ends without its end frame. */
  close(): void {
    this.#half = 'ended';
    this.#infos = [];
    this.#head = this.#trailers = null;
    this.#chunks = [];
    this.#pending = this.#at = 0;
  }

  /** Whether a frame may be sent now. */
  get readyToSend(): boolean {
    if (this.#half === 'ended') return false;
    if (this.#half === 'head') return this.#infos.length > 0 || this.#head !== null;
    return this.#pending > 0 ? this.#credit >= MIN_FRAME_COST : this.#finishing;
  }
  /** Most bytes that the next frame takes. */
  get frameSize(): number {
    const head = this.#infos[0]?.head ?? this.#head ?? this.#trailers;
    return (head?.size ?? 0) + Math.min(this.#pending, MAX_DATA) + SMALL_FRAMES;
  }

  /** Whether the next frame is short and complete: a whole message, or a whole request or answer. */
  get interactive(): boolean {
    if (this.#isRest || !this.readyToSend || this.frameSize > SMALL_WRITE) return false;
    return this.#half === 'head' ? this.#head !== null && this.#finishing : this.#pending > 0;
  }

  /** Writes one frame, if one is due, with at most `budget` (MAX_DATA or less) bytes of body. @returns whether it ended the half */
  writeFrame(writer: FrameEncoder, budget: number): boolean {
    if (!this.readyToSend) return false;
    if (this.#infos.length > 0) this.#writeInfo(writer);
    else if (this.#half === 'head') this.#writeHead(writer, budget);
    else if (this.#pending > 0) this.#writeData(writer, budget);
    else this.#writeEnd(writer);
    return this.#half === 'ended';
  }

  #writeInfo(writer: FrameEncoder): void {
    const { status, head } = this.#infos.shift()!;
    writer.begin(TYPE.info, 0, this.#id);
    writer.u16(status);
    writer.strings(head);
    writer.finish();
  }
  #writeHead(writer: FrameEncoder, budget: number): void {
    const size = this.#allowance(budget);
    const end = this.#endsWith(size);
    writer.begin(this.#opener ? TYPE.open : TYPE.head, end | (this.#upgrade ? UPGRADE : 0), this.#id);
    if (!this.#opener) writer.u16(this.#status);
    writer.strings(this.#head!);
    this.#writeBody(writer, size);
    writer.finish();
    this.#head = null;
    this.#half = end ? 'ended' : 'body';
  }
  #writeData(writer: FrameEncoder, budget: number): void {
    const size = this.#allowance(budget);
    const end = this.#endsWith(size);
    writer.begin(TYPE.data, end, this.#id);
    this.#writeBody(writer, size);
    writer.finish();
    if (end) this.#half = 'ended';
  }
  /** Writes an end that no frame with body was left to carry. */
  #writeEnd(writer: FrameEncoder): void {
    writer.begin(this.#trailers ? TYPE.trailers : TYPE.data, END, this.#id);
    if (this.#trailers) writer.strings(this.#trailers);
    writer.finish();
    this.#half = 'ended';
  }

  #allowance(budget: number): number {
    return Math.min(this.#pending, budget, this.#credit);
  }
  /** The END flag, if a frame with `size` bytes of body is the last. */
  #endsWith(size: number): number {
    return this.#finishing && size === this.#pending && !this.#trailers ? END : 0;
  }
  #writeBody(writer: FrameEncoder, size: number): void {
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
      if (this.ownsChunks) detach(chunk);
    }
    if (taken === this.#chunks.length) this.#chunks = [];
    else this.#chunks.splice(0, taken);
  }
}
