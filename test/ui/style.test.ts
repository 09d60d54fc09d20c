import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STYLE = fileURLToPath(new URL('../../ui/style/', import.meta.url));
const tokens = readFileSync(`${STYLE}tokens.css`, 'utf8');
const [light, dark] = [':root {', ":root[data-theme='dark'] {"].map((start) => {
  const from = tokens.indexOf(start);
  const block = tokens.slice(from, tokens.indexOf('}', from));
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((m) => [m[1]!, m[2]!]));
}) as [Record<string, string>, Record<string, string>];

/** Relative luminance and contrast, WCAG 2.2 section 1.4.3. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: string, b: string) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

const PAIRS = [
  ...['text', 'text-soft', 'text-faint', 'accent-text', 'bad', 'warn', 'good', 'info'].flatMap((text) =>
    ['bg', 'surface', 'raised'].map((ground) => [text, ground])
  ),
  ...['warn', 'bad', 'good', 'info'].map((tone) => [tone, `${tone}-soft`]),
  ...['warn-soft', 'accent-soft', 'good-soft', 'bad-soft', 'sunken', 'code-bg'].map((ground) => ['text', ground]),
  ['text-soft', 'sunken'],
  ['text-faint', 'code-bg'],
  ['ink-text', 'ink'],
  ['surface', 'warn'],
  ['surface', 'bad'],
] as [string, string][];

for (const [name, colours] of [['light', light], ['dark', dark]] as const) {
  test(`${name}: text can be read everywhere (4.5 : 1)`, () => {
    const poor = PAIRS.filter(([a, b]) => contrast(colours[a]!, colours[b]!) < 4.5)
      .map(([a, b]) => `${a} on ${b}: ${contrast(colours[a]!, colours[b]!).toFixed(2)}`);
    assert.equal(poor, []);
  });
}

test('both themes name the same colours', () => assert.equal(Object.keys(dark).sort(), Object.keys(light).sort()));

test('style sheets take their colours from the variables and load nothing from elsewhere', () => {
  for (const file of readdirSync(STYLE).filter((name) => name.endsWith('.css') && name !== 'tokens.css')) {
    const css = readFileSync(STYLE + file, 'utf8');
    assert.equal([...css.matchAll(/url\([^)]*\)/g)].map((m) => m[0]), [], file);
    const used = [...css.matchAll(/var\(--([\w-]+)/g)].map((m) => m[1]!);
    const own = new Set([...(css + tokens).matchAll(/--([\w-]+):/g)].map((m) => m[1]!));
    const SET_BY_SCRIPT = ['viewport', 'viewport-top'];
    assert.equal(used.filter((variable) => !own.has(variable) && !SET_BY_SCRIPT.includes(variable)), [], file);
  }
});

test.run();
