/** A recorded conversation of Claude whose server is killed at every line, twice in a row: it comes out as without any kill. */
import { Buffer } from 'node:buffer';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonLines } from '../../../agent/process/jsonl.ts';
import type { HolderRecord } from '../../../agent/process/holder/records.ts';
import { ClaudeReader, type ReaderSnapshot } from '../../../agent/provider/claude/reader.ts';
import type { OpenOptions, Provider, ProviderEvent, ProviderSession } from '../../../agent/provider/provider.ts';
import type { JsonObject } from '../../../agent/provider/untyped-json.ts';
import { Registry } from '../../../agent/session/registry.ts';
import type { RunRecord } from '../../../agent/session/run-record.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { seeded } from '../../support/fakes/seeded.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { workspace } from '../../support/harness/scripted-agents.ts';

/** Interval of markers (run-marker.ts), and one in which the record is saved, but no marker is made, ms. */
const MARK_MS = 2000;
const SAVE_MS = 1500;

/** Texts, a text and a tool in one API message, interrupts. */
const OUTPUT = readFileSync(new URL('../../vectors/claude/claude-b4-interrupt.jsonl', import.meta.url), 'utf8')
  .split('\n').filter(Boolean).map((line) => JSON.parse(line) as { dir: string; line: object })
  .filter(({ dir }) => dir === 'out').map(({ line }) => Buffer.from(`${JSON.stringify(line)}\n`));
const ALL = Buffer.concat(OUTPUT);
/** Where each line ends. */
const ENDS = OUTPUT.map((_, i) => OUTPUT.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));

/** Reads OUTPUT as a CLI in a holder, up to where it is let. */
class Tape {
  readonly provider: Provider;
  /** Of the CLI that is open: its holder, and how it is read. */
  holder = '';
  readTo: (end: number) => void = () => {};

  /** @param read how far the server before has read */
  constructor(read: number) {
    const open = (options: OpenOptions, emit: (event: ProviderEvent) => void) => this.#open(options, emit, read);
    this.provider = { ...scriptedProvider(), isHeld: true, open };
  }

  #open(options: OpenOptions, emit: (event: ProviderEvent) => void, read: number): ProviderSession {
    const { id, survivor } = options.holder!;
    this.holder = id;
    const nothing = () => {};
    const hooks = { opened: nothing, withdrawn: nothing, toolDone: nothing, response: nothing, unsupported: nothing };
    const reader = new ClaudeReader({ ...hooks, emit });
    if (survivor?.state) reader.restore(survivor.state as ReaderSnapshot);
    const value = (line: JsonObject) => {
      reader.read(line);
      emit({ type: 'activity' }); // some lines make no event: after each of them there is to be a marker
    };
    const lines = jsonLines({ value });
    const start = survivor?.offset ?? 0;
    this.readTo = (end) => lines.push(ALL.subarray(start + lines.pushed, end));
    queueMicrotask(() => {
      emit({ type: 'ready', sessionId: null, version: '1', capabilities: null });
      if (!survivor) return;
      this.readTo(read);
      emit({ type: 'caught.up' });
    });
    return {
      ...scriptedProvider().open(options, nothing),
      send: (message) => queueMicrotask(() => emit({ type: 'message.status', id: message.id, status: 'sent' })),
      held: {
        id,
        get isTurning() {
          return reader.isTurning;
        },
        get offset() {
          return start + lines.consumed;
        },
        snapshot: () => reader.snapshot(),
        running: Promise.resolve(),
        ack: nothing,
        detach: nothing,
      },
    };
  }
}

const { path: directory, remove } = temporaryDirectory();
test.after(remove);

/** A server over the files in `dataDir`; it is killed by copying them. */
async function serve(dataDir: string, agent: { id: string; holder: string } | null, read: number) {
  const clock = fakeClock();
  const tape = new Tape(read);
  const holders = agent ? [{ id: agent.holder, meta: { agentId: agent.id } } as unknown as HolderRecord] : [];
  const agents = await Registry.open({
    ...{ context: testContext({ dataDir, clock }), providers: { get: () => tape.provider }, workspace },
    holders,
  });
  const id = agent?.id ?? (await agents.create({ directory, prompt: 'begin', clientId: 'same' }, 'test')).id;
  const record = () =>
    JSON.parse(readFileSync(join(dataDir, 'agents', id, 'agent.json'), 'utf8')) as {
      info: { activeAt: number };
      run: RunRecord | null;
    };
  /** Time passes, until what is on disk is as wanted. */
  const saved = async (ms: number, isThere: () => boolean) => {
    clock.advance(ms);
    for (let i = 0; !isThere(); i++) {
      assert.ok(i < 2000, 'it is saved');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return { agents, id, tape, clock, record, saved };
}

/** The messages without their times. */
const said = (agents: Registry, id: string) =>
  agents.messages(id, { limit: 1000 }).messages.map((message) => ({ ...message, at: 0, endedAt: 0 }));

test('killed at any line, and once more before the next marker: no text is cut, none comes twice', async () => {
  const random = seeded(7);
  const first = await serve(join(directory, 'first'), null, 0);
  const agent = { id: first.id, holder: first.tape.holder };
  for (const [i, end] of ENDS.entries()) {
    first.tape.readTo(end);
    await first.saved(MARK_MS, () => first.record().run?.offset === end);
    cpSync(join(directory, 'first'), join(directory, `${i}`), { recursive: true });
  }
  const whole = said(first.agents, first.id);
  assert.ok(whole.filter(({ kind }) => kind === 'text').length >= 3);
  await first.agents.close();
  for (const [i, end] of ENDS.entries()) {
    const second = await serve(join(directory, `${i}`), agent, end);
    const cut = end + Math.floor(random() * (ALL.length - end));
    second.clock.advance(1);
    second.tape.readTo(cut);
    await second.saved(SAVE_MS, () => second.record().info.activeAt === second.agents.info(first.id).activeAt);
    assert.is(second.record().run!.offset, end, 'no marker since');
    cpSync(join(directory, `${i}`), join(directory, `${i}-again`), { recursive: true });
    const third = await serve(join(directory, `${i}-again`), agent, cut);
    third.tape.readTo(ALL.length);
    assert.equal(said(third.agents, first.id), whole, `killed at line ${i + 1}, then at byte ${cut}`);
    await Promise.all([second.agents.close(), third.agents.close()]);
  }
});

test.run();
