/** Speech into a text, by the browser's own recognition (Web Speech API). */

import type { DictationTrouble } from '../i18n/en/dictation.ts';

/** What the browser's recognition is here; Safari and Chrome have it under a prefix. */
export interface Recognition {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: { results: ArrayLike<RecognitionResult> }) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  /** What was said until now is still recognised. */
  stop(): void;
  /** What was said since the last result is dropped. */
  abort(): void;
}

type RecognitionResult = ArrayLike<{ transcript: string }> & { readonly isFinal: boolean };

const TROUBLES: Record<string, DictationTrouble | null> = {
  'not-allowed': 'denied',
  'service-not-allowed': 'denied',
  'network': 'network',
  'audio-capture': 'microphone',
  'no-speech': 'silence',
  'language-not-supported': 'language',
  'aborted': null,
};

const globals = globalThis as {
  SpeechRecognition?: new () => Recognition;
  webkitSpeechRecognition?: new () => Recognition;
};

/** The browser's recognition, or why there is none. */
export function createRecognition(): Recognition | DictationTrouble {
  const Constructor = globals.SpeechRecognition ?? globals.webkitSpeechRecognition;
  if (!Constructor) return 'unsupported';
  return globalThis.isSecureContext ? new Constructor() : 'insecure';
}

export interface DictationOptions {
  recognition: Recognition;
  /** BCP 47 */
  language: string;
  /** The text as it is now. */
  text(): string;
  onText(text: string): void;
  /** It listens no more. @param trouble null: somebody ended it */
  onEnd(trouble: DictationTrouble | null): void;
}

/** One time of listening. What is not final yet is in the text already, and changes there: what is seen is what is sent. */
export class Dictation {
  readonly #options: DictationOptions;
  /** What stood there before, and what it has made of it. */
  #before: string;
  #written: string;
  /** Results that are in `before`: the user has written since. */
  #skipped = 0;
  #trouble: DictationTrouble | null = null;
  #isOver = false;

  constructor(options: DictationOptions) {
    this.#options = options;
    this.#before = this.#written = options.text();
    const { recognition } = options;
    recognition.lang = options.language;
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.onresult = ({ results }) => this.#onResults(Array.from(results));
    recognition.onerror = ({ error }) => {
      this.#trouble = Object.hasOwn(TROUBLES, error) ? TROUBLES[error]! : 'failed';
    };
    recognition.onend = () => this.#end();
  }

  /** Something was said into the text. */
  get hasWritten(): boolean {
    return this.#written !== this.#before;
  }

  start(): void {
    try {
      this.#options.recognition.start();
    } catch {
      this.#trouble = 'failed';
      this.#end();
    }
  }

  /** Ends it; what was said is still written. */
  stop(): void {
    this.#options.recognition.stop();
  }

  /** Ends it at once: the text was sent, or its page is left. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.recognition.abort();
    this.#options.onEnd(null);
  }

  #onResults(results: RecognitionResult[]): void {
    if (this.#isOver) return;
    const { text, onText } = this.#options;
    if (text() !== this.#written) {
      // Written by hand meanwhile: what was recognised before is the user's now, as they left it.
      this.#before = text();
      this.#skipped = results.length - 1;
    }
    const said = results.slice(this.#skipped).map((result) => result[0]?.transcript.trim() ?? '').filter(Boolean);
    this.#written = joined(this.#before, said.join(' '));
    onText(this.#written);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd(this.#trouble);
  }
}

/** Chinese and Japanese stand without spaces. */
const joined = (before: string, said: string): string =>
  !before || !said || /\s$/.test(before) || /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(said)
    ? before + said
    : `${before} ${said}`;
