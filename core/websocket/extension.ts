/** Sec-WebSocket-Extensions (RFC 6455 §9.1) and the negotiation of permessage-deflate (RFC 7692 §5, §7.1). */
import type { DeflateParams, DeflateTuning } from './deflate.ts';

export const DEFLATE = 'permessage-deflate';

/** One offer or answer. A parameter without a value has `true`. */
export interface Extension {
  name: string;
  params: Map<string, string | true>;
}

/** How this side wants permessage-deflate. */
export interface DeflateOptions extends DeflateTuning {
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  /** 8-15; 15 if not given. */
  serverMaxWindowBits?: number;
  clientMaxWindowBits?: number;
}

/** Names and parameters that one header may have; more is no honest offer. */
const MAX_ITEMS = 1000;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]*/y;
const SPACE = /[ \t]*/y;

/** Is this a token as RFC 9110 §5.6.2 has it? */
export function isToken(text: string): boolean {
  TOKEN.lastIndex = 0;
  return text !== '' && TOKEN.exec(text)![0] === text;
}

/**
 * Goes through the header once, from left to right.
 * @returns null if the syntax is wrong, a parameter is named twice, or there are more than MAX_ITEMS names
 */
export function parseExtensions(header: string): Extension[] | null {
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const text = pattern.exec(header)![0];
    at += text.length;
    return text;
  };
  let items = 0;
  const token = () => {
    if (++items > MAX_ITEMS) return '';
    match(SPACE);
    const text = match(TOKEN);
    match(SPACE);
    return text;
  };
  const value = (): string => {
    match(SPACE);
    if (header[at] !== '"') return token();
    const close = header.indexOf('"', at + 1);
    const text = header.slice(at + 1, close < 0 ? at + 1 : close);
    at = close < 0 ? header.length : close + 1;
    match(SPACE);
    return isToken(text) ? text : ''; // §9.1: a quoted value is a token once unquoted
  };

  const all: Extension[] = [];
  for (;;) {
    const name = token();
    if (name === '') return null;
    const params: Extension['params'] = new Map();
    while (header[at] === ';') {
      at++;
      const param = token();
      if (param === '' || params.has(param)) return null;
      let content: string | true = true;
      if (header[at] === '=') {
        at++;
        content = value();
        if (content === '') return null;
      }
      params.set(param, content);
    }
    all.push({ name, params });
    if (at === header.length) return all;
    if (header[at] !== ',') return null;
    at++;
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
  /** The value of Sec-WebSocket-Extensions that says so. */
  header: string;
}

/** Server: takes the first offer that is valid and that this side can keep, or null. */
export function acceptDeflate(offers: Extension[], options: DeflateOptions): Agreed | null {
  const offer = offers.find((each) =>
    each.name === DEFLATE && isValidDeflate(each.params, true) &&
    // A client that does not say client_max_window_bits may use 15 whatever we ask for.
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

/** Client: what the server's answer to that offer means, or null if it may not answer so. */
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
