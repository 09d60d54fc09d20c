/** What is approved is what is seen: requests that hide what they do, on both cards, in a real browser. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { RequestMessage } from '../../core/api/messages.ts';
import { approvalOf } from '../../core/api/approval.ts';
import { codeNames, visiblePieces } from '../../core/api/visible.ts';
import { relativePath } from '../../ui/format.ts';
import { t } from '../../ui/i18n/t.ts';
import { HOSTILE_APPROVALS, type HostileApproval } from '../support/fakes/hostile-approvals.ts';
import { agent, messages, permission, user } from '../support/fakes/ui-data.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const idOf = (i: number) => `h${i}`;
const requests = HOSTILE_APPROVALS.map(({ request }, i): RequestMessage =>
  ({ ...messages([permission({ description: '', diffs: [], ...request })], i + 1)[0]!, id: idOf(i) }) as RequestMessage
);
const waits = { state: 'waiting_input', stateReason: 'permission' } as const;

/** Agents of which the home page draws every card, also of those that are out of view. */
const CARDS = 20;

/** An agent a request, for the home page. @returns which requests */
function addAgents(from = 0, to = HOSTILE_APPROVALS.length): number[] {
  const some = [...HOSTILE_APPROVALS.keys()].slice(from, to);
  for (const i of some) {
    const { name } = HOSTILE_APPROVALS[i]!;
    stage.add(agent({ id: idOf(i), name, ...waits, pending: [idOf(i)], stateSince: i + 1 }), [requests[i]!]);
  }
  return some;
}

/** Requests that one page of messages holds. */
const PAGE = 90;

/** Agents that have them all open at once. @returns the number of agents */
function addChats(): number {
  const count = Math.ceil(requests.length / PAGE);
  for (let i = 0; i < count; i++) {
    const list = requests.slice(i * PAGE, (i + 1) * PAGE);
    stage.add(agent({ id: `chat${i}`, name: `chat${i}`, ...waits, pending: list.map(({ id }) => id) }), list);
  }
  return count;
}

interface Seen {
  /** Names of buttons that allow something. */
  allows: string[];
  canReview: boolean;
  /** Text of the card but for its buttons. */
  text: string;
  /** The box with the command, as it is drawn. */
  command: string | null;
  /** Texts that are cut, scrolled away, wider than the card or too small to see. */
  hidden: string[];
}

/** What a reader gets of one card. @param selector the card */
function look(page: Page, selector: string): Promise<Seen> {
  return page.locator(selector).evaluate((card): Seen => {
    const buttons = [...card.querySelectorAll('button.answer')];
    const allows = buttons.map((button) => button.textContent!).filter((name) => /allow|accept|approve/i.test(name));
    const edge = card.getBoundingClientRect();
    const hidden: string[] = [];
    const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    let text = '';
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement!;
      if (parent.closest('button, .sr-only')) continue;
      text += node.textContent;
      if (!parent.closest('.approval-text, .asked, .ask-tool, .plan-text')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter(({ width }) => width > 0);
      if (node.textContent!.trim() && !boxes.length) hidden.push(`not drawn: ${node.textContent!.slice(0, 80)}`);
      for (const box of boxes) {
        if (box.left < edge.left || box.right > edge.right || box.top < edge.top || box.bottom > edge.bottom) {
          hidden.push(`outside of the card: ${node.textContent!.slice(0, 80)}`);
          break;
        }
        for (let up: HTMLElement | null = parent; up && up !== card.parentElement; up = up.parentElement) {
          if (getComputedStyle(up).overflow === 'visible' || !up.clientWidth) continue;
          const frame = up.getBoundingClientRect();
          if (box.bottom > frame.bottom + 1 || box.right > frame.right + 1 || box.left < frame.left - 1) {
            hidden.push(`clipped by ${up.className}: ${node.textContent!.slice(0, 80)}`);
          }
        }
      }
      if (parseFloat(getComputedStyle(parent).fontSize) < 10 || getComputedStyle(parent).opacity === '0') {
        hidden.push(`too small: ${node.textContent!.slice(0, 80)}`);
      }
    }
    for (
      const box of card.querySelectorAll<HTMLElement>(
        '.approval-text, .plan-text, .plan-text pre, .plan-text .table-scroll',
      )
    ) {
      if (!box.clientWidth) continue; // inline: its lines were looked at
      if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) {
        hidden.push(`scrolls: ${box.className} ${box.textContent!.slice(0, 80)}`);
      }
    }
    return {
      allows,
      canReview: card.querySelector('a.button') !== null,
      text,
      command: card.querySelector('pre.approval-text')?.textContent ?? null,
      hidden: [...new Set(hidden)],
    };
  });
}

/** The command as it must be drawn: nothing left out, nothing that hides. */
const drawn = (text: string): string =>
  visiblePieces(text).map((piece) => {
    if (piece.kind === 'text') return piece.text;
    return piece.kind === 'unseen' ? codeNames(piece.text) : t.marks[piece.kind](piece.count);
  }).join('');

function checkSeen({ name, seen, marks = [], choices = [], isCut }: HostileApproval, i: number, card: Seen): void {
  if (!card.allows.length) return;
  assert.not.ok(isCut, `${name}: allowed, though a part of it is not known`);
  assert.equal(card.hidden, [], name);
  for (const part of seen) {
    // A plain path in the agent's folder is shown as it is below the folder.
    const isShown = card.text.includes(part) || card.text.includes(relativePath(agent({ id: 'x' }).directory, part));
    assert.ok(isShown, `${name}: ${part} is not on the card: ${card.text}`);
  }
  if (card.allows.length > 1) {
    const answers = card.allows.join('\n');
    for (const part of choices) assert.ok(answers.includes(part), `${name}: no answer says ${part}: ${answers}`);
  }
  for (const char of marks) {
    assert.not.ok(card.text.includes(char), `${name}: ${codeNames(char)} is drawn as it is`);
    if (char !== '\t') assert.ok(card.text.includes(codeNames(char)), `${name}: ${codeNames(char)} has no mark`);
  }
  const { command } = approvalOf(requests[i]!);
  if (command) assert.is(card.command, drawn(command), name);
}

for (const viewport of [PHONE, DESKTOP]) {
  const size = `${viewport.width}×${viewport.height}`;

  test(`home cards, ${size}: Allow only with all of it in view, Review otherwise`, async () => {
    let allowed = 0;
    for (let from = 0; from < HOSTILE_APPROVALS.length; from += CARDS) {
      stage.clear();
      const some = addAgents(from, from + CARDS);
      const { page, problems } = await stage.open('/', viewport);
      await page.locator('.agent-card .ask').nth(some.length - 1).waitFor();
      for (const i of some) allowed += await checkHomeCard(page, i);
      assert.equal(problems, []);
      await page.context().close();
    }
    console.log(`home cards, ${size}: ${HOSTILE_APPROVALS.length} requests, ${allowed} can be allowed at a glance`);
    assert.ok(allowed >= 8);
  });

  test(`chat cards, ${size}: everything is wrapped and whole before Allow`, async () => {
    const chats = addChats();
    const { page, problems } = await stage.open('/', viewport);
    let allowed = 0;
    for (let chat = 0; chat < chats; chat++) {
      await page.goto(`${stage.mock.url}/#/agents/chat${chat}`);
      await page.locator('.agent-head h1').getByText(`chat${chat}`, { exact: true }).waitFor();
      const first = chat * PAGE;
      const last = Math.min(first + PAGE, requests.length) - 1;
      await page.locator(`[data-request="${idOf(last)}"] .ask-buttons`).waitFor();
      for (let i = first; i <= last; i++) allowed += await checkCard(page, i);
    }
    console.log(`chat cards, ${size}: ${requests.length} requests, ${allowed} can be allowed`);
    assert.ok(allowed > 60);
    assert.equal(problems, []);
    await page.context().close();
  });
}

/** A card of the home page. @returns how many answers it has that allow */
async function checkHomeCard(page: Page, i: number): Promise<number> {
  const hostile = HOSTILE_APPROVALS[i]!;
  const card = await look(page, `.agent-card[aria-label="${hostile.name}"]`);
  checkSeen(hostile, i, card);
  assert.ok(card.allows.length > 0 !== card.canReview, `${hostile.name}: one of Allow and Review`);
  if (hostile.marks?.length) assert.equal(card.allows, [], `${hostile.name}: allowed at a glance`);
  if (hostile.isPlain) assert.is(card.allows.length, 1, `${hostile.name}: harmless`);
  return card.allows.length;
}

/** One card that has all answers. @returns 1 when it offers Allow */
async function checkCard(page: Page, i: number): Promise<number> {
  const hostile = HOSTILE_APPROVALS[i]!;
  const selector = `[data-request="${idOf(i)}"]`;
  const card = await look(page, selector);
  checkSeen(hostile, i, card);
  assert.is(card.allows.length > 0, !hostile.isCut, `${hostile.name}: whole, so it can be allowed`);
  if (!hostile.isCut) return 1;
  assert.is(await page.locator(selector).getByRole('button', { name: 'Edit before allowing' }).count(), 0);
  assert.ok(await page.locator(selector).getByRole('button', { name: /Deny|Keep planning/ }).count() > 0);
  return 0;
}

test('the page of one request, where a notification leads, has the same card', async () => {
  addAgents();
  const { page } = await stage.open('/', PHONE);
  const some = HOSTILE_APPROVALS.map((_, i) => i).filter((i) => HOSTILE_APPROVALS[i]!.isCut || i % 16 === 0);
  for (const i of some) {
    await page.goto(`${stage.mock.url}/#/answer/${idOf(i)}/${idOf(i)}`);
    await page.locator(`[data-request="${idOf(i)}"] .ask-buttons`).waitFor();
    await checkCard(page, i);
  }
  console.log(`pages of one request: ${some.length}`);
  await page.context().close();
});

test('questions over the bound have no answer but a refusal', async () => {
  const asked = permission({ request: 'question', questions: [], truncated: true });
  stage.add(agent({ id: 'a', ...waits, stateReason: 'question', pending: ['m1'] }), messages([asked]));
  const { page } = await stage.open('/agents/a');
  await page.locator('.request-card .ask-buttons').waitFor();
  const names = await page.locator('.request-card button.answer').allTextContents();
  assert.equal(names, ['Deny']);
  assert.ok(await page.getByText(t.request.notWhole).isVisible());
  await page.context().close();
});

test('what a style hides is not allowed: the page measures its own cards', async () => {
  stage.add(
    agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m2'] }),
    messages([user('do it'), permission({ input: { command: `echo ${'a '.repeat(100)} && rm -rf ~` } })]),
  );
  const { page } = await stage.open('/agents/a');
  await page.getByRole('button', { name: 'Allow once' }).waitFor();
  for (const style of ['white-space: pre; overflow: auto', 'max-height: 30px; overflow: hidden']) {
    const sheet = await page.addStyleTag({ content: `.code pre.approval-text { ${style} }` }).catch(() => null);
    if (!sheet) await page.locator('pre.approval-text').evaluate((pre, css) => pre.style.cssText = css, style);
    await page.setViewportSize({ width: 380, height: 844 });
    await page.getByRole('button', { name: 'Allow once' }).waitFor({ state: 'detached' });
    assert.is(await page.getByRole('button', { name: 'Deny', exact: true }).count(), 1);
    if (sheet) await sheet.evaluate((element) => (element as HTMLElement).remove());
    else await page.locator('pre.approval-text').evaluate((pre) => pre.style.cssText = '');
    await page.setViewportSize(PHONE);
    await page.getByRole('button', { name: 'Allow once' }).waitFor();
  }
  await page.context().close();
});

test('an input to edit shows what hides in it as escapes, and goes back unchanged', async () => {
  const command = 'echo \u202e\u200b hi';
  stage.add(
    agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m2'] }),
    messages([user('do it'), permission({ input: { command } })]),
  );
  const { page } = await stage.open('/agents/a');
  await page.getByRole('button', { name: 'Edit before allowing' }).click();
  const text = await page.getByLabel('Input as JSON').inputValue();
  assert.match(text, '\\u202e\\u200b');
  assert.equal(JSON.parse(text), { command });
  await page.context().close();
});

test.run();
