/**
 * What output has switched on in this terminal, so that it can be switched off again when the view of another terminal ends:
 * private modes (ECMA-48 SM and RM with "?"), the keyboard's encoding, a scroll region. Reads the stream byte by byte, since
 * a sequence may be cut anywhere.
 */

/** Modes that are on in a terminal at rest: cursor shown, automatic wrap. Every other one is off. */
const ON_AT_REST = new Set([7, 25]);
/** Switched last: it brings the other screen back. */
const ALTERNATE = new Set([47, 1047, 1049]);
/** Bytes of parameters that are read; a longer sequence is none that is tracked. */
const MAX_PARAMETERS = 64;

type State = 'ground' | 'escape' | 'parameters' | 'string' | 'stringEscape';

export class ScreenModes {
  #state: State = 'ground';
  #parameters = '';
  /** Private mode → whether it is set, for those that differ from a terminal at rest. */
  readonly #modes = new Map<number, boolean>();
  #hasRegion = false;
  #hasKeyboard = false;

  /** Looks at bytes that are written to the terminal. */
  push(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  /** Whether the last byte ended whatever it belonged to: something may be written here. */
  get isAtRest(): boolean {
    return this.#state === 'ground';
  }

  /** Sequences that bring the terminal back to rest, and end what was cut off. */
  restore(): string {
    const modes = [...this.#modes].sort(([a], [b]) => Number(ALTERNATE.has(a)) - Number(ALTERNATE.has(b)));
    const parts = [
      this.#state === 'ground' ? '' : '\x18\x1b\\', // CAN ends a sequence, ST a string
      this.#hasKeyboard ? '\x1b[=0u\x1b[>4;0m' : '', // kitty's flags; modifyOtherKeys
      this.#hasRegion ? '\x1b7\x1b[r\x1b8' : '', // DECSTBM moves the cursor
      '\x0f\x1b(B\x1b>\x1b[0m', // G0, ASCII, numeric keypad, no attributes
      ...modes.map(([mode, isSet]) => `\x1b[?${mode}${isSet ? 'l' : 'h'}`),
    ];
    this.#modes.clear();
    this.#hasRegion = this.#hasKeyboard = false;
    this.#state = 'ground';
    return parts.join('');
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case 'ground':
        if (byte === 0x1b) this.#state = 'escape';
        return;
      case 'escape':
        return this.#afterEscape(byte);
      case 'parameters':
        return this.#parameter(byte);
      case 'string':
        if (byte === 0x1b) this.#state = 'stringEscape';
        else if (byte === 0x07 || byte === 0x18 || byte === 0x1a) this.#state = 'ground';
        return;
      case 'stringEscape':
        return this.#afterEscape(byte);
    }
  }

  #afterEscape(byte: number): void {
    const char = String.fromCharCode(byte);
    if (char === '[') {
      this.#state = 'parameters';
      this.#parameters = '';
    } else if (char === '\x1b') this.#state = 'escape';
    else if (']P_^X'.includes(char)) this.#state = 'string';
    else if (byte >= 0x30 || byte < 0x20) this.#state = 'ground'; // else an intermediate byte: more follows
    if (char === 'c') this.#reset();
  }

  #parameter(byte: number): void {
    if (byte === 0x1b) this.#state = 'escape';
    else if (byte === 0x18 || byte === 0x1a) this.#state = 'ground';
    else if (byte >= 0x40 && byte <= 0x7e) {
      this.#state = 'ground';
      this.#sequence(this.#parameters, String.fromCharCode(byte));
    } else if (byte >= 0x20 && this.#parameters.length <= MAX_PARAMETERS) {
      this.#parameters += String.fromCharCode(byte);
    }
  }

  #sequence(parameters: string, final: string): void {
    if (final === 'h' || final === 'l') return this.#setModes(parameters, final === 'h');
    if (final === 'r' && /^[\d;]*$/.test(parameters)) this.#hasRegion = parameters !== '';
    if (final === 'u' && /^[>=]/.test(parameters)) this.#hasKeyboard = true;
    if (final === 'm' && parameters.startsWith('>4')) this.#hasKeyboard = true;
    if (final === 'p' && parameters === '!') this.#hasRegion = false; // DECSTR
  }

  #setModes(parameters: string, isSet: boolean): void {
    if (!parameters.startsWith('?')) return;
    for (const mode of parameters.slice(1).split(';').map(Number)) {
      if (!Number.isInteger(mode) || mode <= 0) continue;
      if (isSet === ON_AT_REST.has(mode)) this.#modes.delete(mode);
      else this.#modes.set(mode, isSet);
    }
  }

  /** RIS: everything is at rest. */
  #reset(): void {
    this.#modes.clear();
    this.#hasRegion = this.#hasKeyboard = false;
  }
}
