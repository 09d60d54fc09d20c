/** Sec-WebSocket-Extensions (RFC 6455 §9.1) and the negotiation of permessage-deflate (RFC 7692 §5, §7.1). */
import type { DeflateParams, DeflateTuning } from './deflate.ts';

export const DEFLATE = 'permessage-deflate';

/** One offer or answer. A parameter without a value maps to `true`. */
export interface Extension {
  name: string;
  params: Map<string, string | true>;
}

/** This side's preferences for permessage-deflate. */
export interface DeflateOptions extends DeflateTuning {
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  /** 8-15; 15 if not given. */
  serverMaxWindowBits?: number;
  clientMaxWindowBits?: number;
}

/** Names and parameters that one header may have; no honest offer has more. */
const MAX_ITEMS = 1000;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]*/y;
const SPACE = /[ \t]*/y;

/** Whether the text is a token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  TOKEN.lastIndex = 0;
  return text !== '' && TOKEN.exec(text)![0] === text;
}

/**
 * Parses the header in one pass.
 * @returns null if the syntax is wrong, a parameter is named twice, or there are more than MAX_ITEMS names
 */
export function parseExtensions(header: string): Extension[] | null {
  const scanner = new Scanner(header);
  const all: Extension[] = [];
  for (;;) {
    const name = scanner.token();
    const params = name === '' ? null : readParams(scanner);
    if (!params) return null;
    all.push({ name, params });
    if (scanner.ended) return all;
    if (!scanner.skip(',')) return null;
  }
}

/** `; name` and `; name=value`, as many as there are; null if one is wrong. */
function readParams(scanner: Scanner): Extension['params'] | null {
  const params: Extension['params'] = new Map();
  while (scanner.skip(';')) {
    const name = scanner.token();
    if (name === '' || params.has(name)) return null;
    const value = scanner.skip('=') ? scanner.value() : true;
    if (value === '') return null;
    params.set(name, value);
  }
  return params;
}

/** Reads a header value from left to right. */
class Scanner {
  readonly #text: string;
  #at = 0;
  #items = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }

  /** Skips this character. @returns whether it was there */
  skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** A token and the space around it; '' if there is none, or beyond MAX_ITEMS. */
  token(): string {
    if (++this.#items > MAX_ITEMS) return '';
    this.#match(SPACE);
    const text = this.#match(TOKEN);
    this.#match(SPACE);
    return text;
  }

  /** A token, which may be quoted (§9.1: the text between the quotes must be a token); '' if there is none. */
  value(): string {
    this.#match(SPACE);
    if (!this.skip('"')) return this.token();
    const close = this.#text.indexOf('"', this.#at);
    const text = close < 0 ? '' : this.#text.slice(this.#at, close);
    this.#at = close < 0 ? this.#text.length : close + 1;
    this.#match(SPACE);
    return isToken(text) ? text : '';
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)![0];
    this.#at += text.length;
    return text;
  }
}

const FLAGS = ['server_no_context_takeover', 'client_no_context_takeover'];
const BITS = /^(?:[89]|1[0-5])$/;

/** §7.1: known parameters with values in range. In an offer client_max_window_bits may stand without a value. */
function isValidDeflate(params: Extension['params'], offer: boolean): boolean {
  for (const [name, value] of params) {
    if (FLAGS.includes(name)) {
      if (value !== true) return false;
    } else if (name === 'client_max_window_bits' || name === 'server_max_window_bits') {
      const bare = offer && name === 'client_max_window_bits' && value === true;
      if (!bare && !(value !== true && BITS.test(value))) return false;
    } else return false;
  }
  return true;
}

export interface Agreed {
  params: DeflateParams;
  /** The value of Sec-WebSocket-Extensions for the answer. */
  header: string;
}

/** Server: accepts the first offer that is valid and that this side can honour; null if there is none. */
export function acceptDeflate(offers: Extension[], options: DeflateOptions): Agreed | null {
  const offer = offers.find((each) =>
    each.name === DEFLATE && isValidDeflate(each.params, true) &&
    // A client that does not offer client_max_window_bits may use 15 bits whatever this side wants.
    (each.params.has('client_max_window_bits') || (options.clientMaxWindowBits ?? 15) === 15)
  );
  if (!offer) return null;
  const bits = (name: string, ours: number | undefined) => {
    const theirs = offer.params.get(name);
    return Math.min(typeof theirs === 'string' ? Number(theirs) : 15, ours ?? 15);
  };
  const params: DeflateParams = {
    serverNoContextTakeover: offer.params.has(FLAGS[0]!) || options.serverNoContextTakeover === true,
    clientNoContextTakeover: offer.params.has(FLAGS[1]!) || options.clientNoContextTakeover === true,
    serverMaxWindowBits: bits('server_max_window_bits', options.serverMaxWindowBits),
    clientMaxWindowBits: bits('client_max_window_bits', options.clientMaxWindowBits),
  };
  return { params, header: describe(params) };
}

/** Client: the offer for these options. */
export function offerDeflate(options: DeflateOptions): string {
  const header = describe({
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    serverMaxWindowBits: options.serverMaxWindowBits ?? 15,
    clientMaxWindowBits: options.clientMaxWindowBits ?? 15,
  });
  return header.includes('client_max_window_bits') ? header : `${header}; client_max_window_bits`;
}

/** Client: the parameters that the server's answer to this offer selects; null if the answer is not allowed. */
export function readDeflateAnswer(answer: Extension, options: DeflateOptions): DeflateParams | null {
  const { params } = answer;
  if (answer.name !== DEFLATE || !isValidDeflate(params, false)) return null;
  const serverBits = Number(params.get('server_max_window_bits') ?? 15);
  const asked = options.serverMaxWindowBits ?? 15;
  if (serverBits > asked) return null;
  if (options.serverNoContextTakeover && !params.has(FLAGS[0]!)) return null;
  return {
    serverNoContextTakeover: params.has(FLAGS[0]!),
    clientNoContextTakeover: params.has(FLAGS[1]!) || options.clientNoContextTakeover === true,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: Math.min(
      Number(params.get('client_max_window_bits') ?? 15),
      options.clientMaxWindowBits ?? 15,
    ),
  };
}

function describe(params: DeflateParams): string {
  return [
    DEFLATE,
    params.serverNoContextTakeover && FLAGS[0],
    params.clientNoContextTakeover && FLAGS[1],
    params.serverMaxWindowBits < 15 && `server_max_window_bits=${params.serverMaxWindowBits}`,
    params.clientMaxWindowBits < 15 && `client_max_window_bits=${params.clientMaxWindowBits}`,
  ].filter(Boolean).join('; ');
}
