/** Back to an earlier message: a copy of the conversation, and the files as they were. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { ForkBody } from '../../core/api/fork.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, text, turn, user } from '../support/fakes/ui-data.ts';

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => stage.clear());

const worktree = { path: '/w', branch: 'agent/fix-the-totals', base: 'main' };
const talk = () =>
  messages([user('one'), text('an answer'), turn('p1'), user('two words'), text('the newest'), turn()]);

async function choose(page: Page, last: boolean, item: string): Promise<void> {
  const menus = page.getByRole('button', { name: 'Go back to here' });
  await menus.first().waitFor();
  await (last ? menus.last() : menus.first()).click();
  await page.getByRole('menuitem', { name: item }).click();
  await page.getByRole('dialog').waitFor();
}

for (const [name, viewport] of Object.entries({ phone: PHONE, desk: DESKTOP })) {
  test(`${name}: a fork before a message has its text in the field of the new agent`, async () => {
    stage.add(agent({ id: 'a', name: 'Totals', worktree }), talk());
    const { page, problems } = await stage.open('/agents/a', viewport);
    await choose(page, true, 'Fork from here…');
    const dialog = page.getByRole('dialog');
    assert.match(
      await dialog.innerText(),
      /before this message.*new worktree.*agent\/fix-the-totals.*uncommitted changes/s,
    );
    await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
    await page.waitForURL(/agents\/copy/);
    assert.is(await page.getByRole('textbox', { name: 'Message', exact: true }).inputValue(), 'two words');
    const [body] = stage.bodies<ForkBody>(/fork$/);
    assert.is(body!.messageId, 'm4');
    assert.match(body!.clientId!, /^[0-9a-f-]{36}$/);
    assert.equal(problems, []);
    await page.context().close();
  });

  test(`${name}: files are rewound after a list of them, and after the newest list only`, async () => {
    stage.add(agent({ id: 'a', name: 'Totals' }), talk());
    stage.mock.rewind = { ...stage.mock.rewind, version: 'v1' };
    const { page, problems } = await stage.open('/agents/a', viewport);
    await choose(page, true, 'Rewind files to here…');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('src/checkout/totals.ts').waitFor();
    const said = await dialog.innerText();
    assert.match(said, /1 file was changed since.*lost too.*This cannot be undone\./s);
    stage.mock.rewind = { ...stage.mock.rewind, version: 'v2' };
    await dialog.getByRole('button', { name: 'Rewind 2 files' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByRole('button', { name: 'Rewind 2 files' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('2 files were rewound.').first().waitFor();
    assert.equal(stage.bodies(/rewind$/), [{}, { version: 'v1' }, {}, { version: 'v2' }]);
    assert.equal(problems.filter((problem) => !problem.includes('409')), []);
    await page.context().close();
  });
}

test('the end of a turn leads to a copy, and not to the files; without a place to neither', async () => {
  stage.add(agent({ id: 'a', name: 'Totals' }), talk());
  const { page } = await stage.open('/agents/a', DESKTOP);
  await page.getByText('the newest').waitFor();
  // The first message: files. The end of its turn: a copy. The second message: both. The end of the second turn: nothing.
  const menus = page.getByRole('button', { name: 'Go back to here' });
  assert.is(await menus.count(), 3);
  await menus.nth(1).click();
  assert.equal(await page.getByRole('menuitem').allInnerTexts(), ['Fork from here…']);
  await page.keyboard.press('Escape');
  await menus.nth(0).click();
  assert.equal(await page.getByRole('menuitem').allInnerTexts(), ['Rewind files to here…']);
  await page.getByRole('menuitem').click();
  await page.getByRole('dialog').waitFor();
  assert.match(await page.getByRole('dialog').innerText(), /Rewind files to this message/);
  await page.context().close();
});

test('agents of other programs offer neither', async () => {
  stage.add(agent({ id: 'a', name: 'Totals', provider: 'opencode' }), talk());
  const { page } = await stage.open('/agents/a', DESKTOP);
  await page.getByText('the newest').waitFor();
  assert.is(await page.getByRole('button', { name: 'Go back to here' }).count(), 0);
  await page.context().close();
});

test('Codex offers copies, and no files', async () => {
  stage.add(agent({ id: 'a', name: 'Totals', provider: 'codex' }), talk());
  const { page } = await stage.open('/agents/a', DESKTOP);
  await page.getByText('the newest').waitFor();
  const menus = page.getByRole('button', { name: 'Go back to here' });
  assert.is(await menus.count(), 2);
  await menus.last().click();
  assert.equal(await page.getByRole('menuitem').allInnerTexts(), ['Fork from here…']);
  await page.context().close();
});

test.run();
