/**
 * Three machines in network namespaces of their own, each on a cable to the relay's machine, on one page: used on a phone and on a
 * desktop, one killed, one with its cable pulled out. Needs root.
 */
import { test } from 'uvu';
import type { Browser } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { outage, useEach } from '../support/harness/fleet-page.ts';
import { createNamespace, type Namespace } from '../support/network/netns.ts';

const NAMES = ['desktop', 'lab', 'vm'];
const networks = new Map<string, Namespace>();
let fleet: TestFleet;
let browser: Browser;

test.before(async () => {
  for (const [number, name] of NAMES.entries()) networks.set(name, createNamespace(number));
  browser = await launchBrowser();
  fleet = await startFleet(NAMES, {
    relayEnv: { RELAY_HOST: '0.0.0.0' },
    relayUrl: (name, port) => `ws://${networks.get(name)!.here}:${port}/tunnel`,
    inside: (name, command, args) => networks.get(name)!.inside(command, args),
  });
});
test.after.each(() => {
  for (const network of networks.values()) network.link(true);
});
test.after(async () => {
  await browser?.close();
  await fleet?.close();
  for (const network of networks.values()) network.close();
});

for (const [place, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  test(`on a ${place}: all agents on one page, an answer and a terminal on each machine`, () =>
    useEach(fleet, browser, viewport));

  test(`on a ${place}: one is killed, and comes back`, async () => {
    const machine = fleet.machines[1]!;
    const begin = () => machine.program.kill('SIGKILL');
    report(await outage(fleet, browser, viewport, { name: 'killed', machine, begin, end: machine.start }));
  });

  test(`on a ${place}: the cable of one is pulled out, and put in again`, async () => {
    const machine = fleet.machines[2]!;
    const { link } = networks.get(machine.name)!;
    const begin = () => Promise.resolve(link(false));
    report(await outage(fleet, browser, viewport, { name: 'cut', machine, begin, end: () => link(true) }));
  });
}

const report = (ms: number) => console.log(`on the card ${Math.round(ms)} ms after the relay's word`);

test.run();
