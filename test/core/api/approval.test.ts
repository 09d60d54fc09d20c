/** What is approved is what is seen: checks over a list of hostile requests, and over all of Unicode. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestMessage } from '../../../core/api/messages.ts';
import { approvalOf, approvalText, isShort, isWholeRequest } from '../../../core/api/approval.ts';
import { codeNames, isPlain, markedText, visibleJson, visiblePieces } from '../../../core/api/visible.ts';
import { HOSTILE_APPROVALS, type HostileApproval } from '../../support/fakes/hostile-approvals.ts';
import { messages, permission } from '../../support/fakes/ui-data.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const requestOf = ({ request }: HostileApproval): RequestMessage =>
  messages([permission({ description: '', diffs: [], ...request })])[0] as RequestMessage;

/** Everything that a card draws, with marks as notifications write them. */
function drawn(request: RequestMessage): string {
  const { tool, title, description, command, diffs, fields, warnings } = approvalOf(request);
  const lines = diffs.flatMap(({ path, hunks }) => [path, ...hunks.flatMap((hunk) => hunk.lines)]);
  const { plan } = request;
  const texts = [
    tool,
    title,
    description,
    command,
    plan,
    ...lines,
    ...fields.flatMap(({ name, text }) => [name, text]),
  ];
  return [...texts.map(markedText), ...warnings.map((w) => ({ no_sandbox: 'sandbox', background: 'background' })[w])]
    .join('\n');
}

test('the list has 60 and more', () => assert.ok(HOSTILE_APPROVALS.length >= 60, String(HOSTILE_APPROVALS.length)));

for (const hostile of HOSTILE_APPROVALS) {
  test(`${hostile.name}: everything is shown, nothing is allowed unseen`, () => {
    const request = requestOf(hostile);
    const text = drawn(request);
    for (const part of hostile.seen) assert.ok(text.includes(part), `not shown: ${part} in ${text.slice(0, 2000)}`);
    for (const char of hostile.marks ?? []) {
      if (char !== '\t') assert.not.ok(text.includes(char), `${codeNames(char)} is drawn as it is`);
      const mark = char === '\t' ? '⟨tab⟩' : codeNames(char);
      assert.ok(text.includes(mark), `${codeNames(char)} has no mark`);
    }
    if (request.request === 'permission') {
      assert.is(isShort(approvalOf(request)), hostile.isPlain ?? isHarmless(hostile), 'at a glance');
    }
    const choices = request.choices.map(({ label, detail }) => `${label} ${detail}`).join('\n');
    for (const part of hostile.choices ?? []) assert.ok(choices.includes(part), `no choice says ${part}`);
    assert.is(approvalOf(request).isWhole, !hostile.isCut);
    const notice = approvalText(request, 240);
    assert.ok(notice.text.length <= 240);
    if (!notice.isWhole) return assert.not.ok(hostile.isPlain);
    assert.not.match(notice.text, /[⟨…]/);
    for (const part of hostile.seen) assert.ok(notice.text.includes(part), `the notification hides ${part}`);
  });
}

/** Entries that are hostile only to a card which leaves fields or warnings out; shown whole they are short. */
function isHarmless({ request, marks, seen }: HostileApproval): boolean {
  const shown = drawn(requestOf({ name: '', request, seen }));
  return !marks?.length && !shown.includes('⟨') && shown.length < 300 &&
    approvalOf(requestOf({ name: '', request, seen })).isWhole &&
    !request.description;
}

/** Every leaf of an input is on the card: in a field, in the command, or as a line of a diff. */
test('no leaf of an input is left out, whatever the input', () => {
  const values = ['x1', 'y2\nz3', 4711, true, null, ['q5', { r: 's6' }], { deep: { deeper: 't7' } }, '', false, 0];
  const names = [
    'command',
    'description',
    'file_path',
    'content',
    'old_string',
    'new_string',
    'edits',
    'files',
    'url',
    'cwd',
    'dangerouslyDisableSandbox',
    'run_in_background',
    'plan',
    '__proto__',
    'toString',
    'constructor',
  ];
  let count = 0;
  for (const tool of ['Bash', 'Edit', 'Write', 'mcp__a__b']) {
    for (const first of names) {
      for (const value of values) {
        for (const second of names) {
          const input = JSON.parse(
            `{${JSON.stringify(first)}:${JSON.stringify(value)},${JSON.stringify(second)}:"u8"}`,
          );
          const request = requestOf({ name: '', seen: [], request: { tool, title: 'title', input } });
          const text = drawn(request);
          for (const leaf of leaves(input)) {
            assert.ok(text.includes(leaf), `${tool} ${JSON.stringify(input)}: ${leaf} in ${text}`);
          }
          count++;
        }
      }
    }
  }
  assert.ok(count > 5000);
});

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return value.split('\n');
  if (typeof value === 'number') return [String(value)];
  if (value && typeof value === 'object') return Object.values(value).flatMap(leaves);
  return [];
}

test('a notification shows all of it in its order, or it is not whole', () => {
  const whole = (command: string, limit: number) =>
    approvalText(requestOf({ name: '', seen: [], request: { title: command, input: { command } } }), limit).isWhole;
  const command = `echo ${'a '.repeat(60)}; rm -r b`;
  assert.is(whole(command, 300), true);
  assert.is(whole(command, 130), false);
  assert.is(whole(`${command}${command}`, 300), false, 'no system shows so much at once');
  assert.is(whole('a\nb\nc\nrm -r d', 300), true);
  assert.is(whole('a\nb\nc\nd\nrm -r e', 300), false);
  assert.is(whole('echo "\u05d0\u05d1" ; rm -r b', 300), false);
  assert.is(whole('echo \ufdfa ; rm -r b', 300), false);
});

test('pieces put together are the text again', () => {
  const alphabet = [
    'a',
    ' ',
    '  ',
    '\t',
    '\n',
    '\n\n',
    '\u200b',
    '\u202e',
    'é',
    '\u0301',
    '\u{e0041}',
    '\ud83d',
    '😀',
    ' '.repeat(50),
  ];
  let state = 7;
  const random = (n: number) => (state = (state * 1103515245 + 12345) % 2147483648) % n;
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('');
    const pieces = visiblePieces(text);
    assert.is(pieces.map((piece) => piece.text).join(''), text);
    for (const { kind, text: part } of pieces) {
      if (kind === 'text') assert.not.match(part, /[\t\u200b\u202e\u{e0041}\ud83d]|\n{4}| {41}|\S {17}/u);
    }
  }
});

/** Independent of the expressions under test: ranges from DerivedCoreProperties.txt and UnicodeData.txt of Unicode 15. */
const RANGES: [number, number][] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xa0, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x600, 0x605],
  [0x61c, 0x61c],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x890, 0x891],
  [0x8e2, 0x8e2],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xe000, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0x110bd, 0x110bd],
  [0x110cd, 0x110cd],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d159, 0x1d159],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
  [0xf0000, 0xf00ff],
  [0x10ff00, 0x10ffff],
];

test('every code point without a shape of its own has a mark; ordinary writing has none', () => {
  for (const [first, last] of RANGES) {
    for (let code = first; code <= last; code++) {
      assert.not.ok(isPlain(`a${String.fromCodePoint(code)}b`), `U+${code.toString(16)}`);
    }
  }
  for (
    const text of [
      'ls -la ~/Ünïcode',
      'echo "日本語 한국어 हिन्दी ไทย"',
      'git commit -m "naïve — “quotes” … 😀🇩🇪"',
      '∑ ≤ → ✓ ─│┌',
    ]
  ) {
    assert.ok(isPlain(text), text);
  }
});

test('JSON to edit shows what hides, and is the same input when read back', () => {
  const input = { command: 'echo \u202e\u200b\u{e0041}\u2028x', 'na\u200bme': ['\ufeff', { a: 1 }] };
  const text = visibleJson(input);
  assert.equal(JSON.parse(text), input);
  assert.match(text, /\\u202e\\u200b\\udb40\\udc41\\u2028x/);
  assert.ok(isPlain(text));
});

test('a run of marks names the first and the last', () => {
  assert.is(markedText('a\u200bb'), 'a⟨U+200B⟩b');
  assert.is(codeNames('\u{e0001}'.repeat(40)), 'U+E0001 … U+E0001 (40)');
  assert.is(markedText(`a${' '.repeat(300)}b${'\n'.repeat(60)}c\td`), 'a⟨300 spaces⟩b\n⟨60 line ends⟩\nc⟨tab⟩d');
});

test('100,000 blanks and marks cost little time', () => {
  const text = `a${' '.repeat(100_000)}b${'\n '.repeat(50_000)}c${'\u200b'.repeat(100_000)}${'\u0301'.repeat(100_000)}`;
  const start = cpuMs();
  visiblePieces(text);
  assert.ok(cpuMs() - start < 1000);
});

test('an input nested too deep to be written down is not whole', () => {
  let deep: unknown = 'x';
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.is(approvalOf(requestOf({ name: '', seen: [], request: { input: { deep } } })).isWhole, false);
});

test('whether a request is whole is found out alike by both ways', () => {
  const inputs = [{ a: '…' }, { a: 'x', b: null, c: 1, d: false }, { a: ['…'] }, { a: {} }, { files: [] }];
  const asked = [
    ...HOSTILE_APPROVALS.map(requestOf),
    ...inputs.flatMap((input) =>
      ['Edit', 'Bash'].map((tool) => ({ ...requestOf(HOSTILE_APPROVALS[0]!), tool, input, diffs: [] }))
    ),
  ];
  for (const request of asked.flatMap((entry) => [entry, { ...entry, truncated: true as const }])) {
    assert.is(isWholeRequest(request), approvalOf(request).isWhole, JSON.stringify(request).slice(0, 300));
  }
});

test.run();
