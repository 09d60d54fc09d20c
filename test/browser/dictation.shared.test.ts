/** Dictation into the composer, with a recognition that says what the test wants. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, text } from '../support/fakes/ui-data.ts';

/** The browser's recognition in the page: a test makes it hear, fail and end. */
interface FakeRecognition {
  lang: string;
  isListening: boolean;
  starts: number;
  aborts: number;
  hear(...results: [words: string, isFinal: boolean][]): void;
  fail(error: string): void;
  end(): void;
}
declare const recognition: FakeRecognition;

let stage: Stage;
test.before(async () => {
  stage = await openStage();
  stage.add(agent({ id: 'talk', name: 'Talks' }), messages([text('Well?')]));
});
test.after(async () => {
  await stage?.close();
});

/** @param kind the name that the browser has it under; empty: it has none */
async function open(kind: string): Promise<Page> {
  const { page } = await stage.open('/nowhere', PHONE);
  await page.addInitScript((name) => {
    Object.assign(globalThis, { SpeechRecognition: undefined, webkitSpeechRecognition: undefined });
    if (!name) return;
    class Fake {
      lang = '';
      isListening = false;
      starts = 0;
      aborts = 0;
      onresult: ((event: unknown) => void) | null = null;
      onerror: ((event: unknown) => void) | null = null;
      onend: (() => void) | null = null;
      constructor() {
        Object.assign(globalThis, { recognition: this });
      }
      start() {
        this.starts++;
        this.isListening = true;
      }
      /** What was heard until now may still come: the test ends it. */
      stop() {}
      abort() {
        this.aborts++;
        this.isListening = false;
      }
      hear(...said: [string, boolean][]) {
        const results = said.map(([transcript, isFinal]) => Object.assign([{ transcript }], { isFinal }));
        this.onresult?.({ results });
      }
      fail(error: string) {
        this.onerror?.({ error });
        this.end();
      }
      end() {
        this.isListening = false;
        this.onend?.();
      }
    }
    Object.assign(globalThis, { [name]: Fake });
  }, kind);
  await page.goto(`${stage.mock.url}/?${Math.random()}#/agents/talk`);
  await page.getByText('Well?').waitFor();
  return page;
}

const field = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const dictate = (page: Page) => page.getByRole('button', { name: 'Dictate', exact: true });
const stop = (page: Page) => page.getByRole('button', { name: 'Stop dictating' });
const isListening = (page: Page) =>
  page.waitForFunction(() => typeof recognition !== 'undefined' && recognition.isListening);

async function holds(page: Page, value: string): Promise<void> {
  await page.waitForFunction((wanted) => document.querySelector('textarea')!.value === wanted, value);
}

for (const kind of ['SpeechRecognition', 'webkitSpeechRecognition']) {
  test(`what is said is in the message, also while it is not sure (${kind})`, async () => {
    const page = await open(kind);
    await field(page).fill('Please');
    await dictate(page).click();
    await isListening(page);
    assert.is(await page.evaluate(() => recognition.lang), 'en-GB');
    await page.evaluate(() => recognition.hear(['run the', false]));
    await holds(page, 'Please run the');
    await page.evaluate(() => recognition.hear(['run the tests', true], ['and', false]));
    await holds(page, 'Please run the tests and');
    await stop(page).click();
    await page.evaluate(() => recognition.hear(['run the tests', true], ['and tell me', true]));
    await page.evaluate(() => recognition.end());
    await dictate(page).waitFor();
    await holds(page, 'Please run the tests and tell me');
    await page.context().close();
  });
}

test('what is typed meanwhile stays, and what is said next follows it', async () => {
  const page = await open('SpeechRecognition');
  await dictate(page).click();
  await isListening(page);
  await page.evaluate(() => recognition.hear(['ran the test', true]));
  await holds(page, 'ran the test');
  await field(page).fill('Run the tests');
  await page.evaluate(() => recognition.hear(['ran the test', true], ['again', true]));
  await holds(page, 'Run the tests again');
  await page.context().close();
});

test('a message that is sent ends it, and nothing comes after', async () => {
  const page = await open('SpeechRecognition');
  await dictate(page).click();
  await isListening(page);
  await page.evaluate(() => recognition.hear(['go on', false]));
  await holds(page, 'go on');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await dictate(page).waitFor();
  assert.is(await page.evaluate(() => recognition.aborts), 1);
  await page.evaluate(() => recognition.hear(['go on', true]));
  await holds(page, '');
  assert.is(stage.bodies<{ text: string }>(/\/message$/).at(-1)!.text, 'go on');
  await page.context().close();
});

test('leaving the page ends it', async () => {
  const page = await open('SpeechRecognition');
  await dictate(page).click();
  await isListening(page);
  await page.evaluate(() => location.hash = '#/');
  await page.waitForFunction(() => recognition.aborts === 1);
  await page.context().close();
});

const TROUBLES: [error: string, words: RegExp][] = [
  ['not-allowed', /microphone is blocked/],
  ['network', /speech service cannot be reached/],
  ['audio-capture', /No microphone/],
  ['no-speech', /Nothing was heard/],
  ['language-not-supported', /does not know this language/],
  ['something-new', /ended with an error/],
];
for (const [error, words] of TROUBLES) {
  test(`it says why it stopped (${error}), and another press tries again`, async () => {
    const page = await open('SpeechRecognition');
    await dictate(page).click();
    await isListening(page);
    await page.evaluate(() => recognition.hear(['half a', false]));
    await page.evaluate((why) => recognition.fail(why), error);
    await page.getByText(words).waitFor();
    await holds(page, 'half a'); // what was seen is not lost
    await dictate(page).click();
    await isListening(page);
    assert.is(await page.getByText(words).count(), 0);
    await page.context().close();
  });
}

test('a browser without it says so', async () => {
  const page = await open('');
  await dictate(page).click();
  await page.getByText('This browser cannot take dictation').waitFor();
  await page.context().close();
});

test('its code is loaded at the first press, not before', async () => {
  const page = await open('SpeechRecognition');
  const loaded = () =>
    page.evaluate(() =>
      performance.getEntriesByType('resource').filter(({ name }) => /dictation-control/.test(name)).length
    );
  assert.is(await loaded(), 0);
  await dictate(page).click();
  await isListening(page);
  assert.is(await loaded(), 1);
  await page.context().close();
});

test.run();
