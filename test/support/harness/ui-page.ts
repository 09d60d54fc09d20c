/** A scripted server and a browser for one file of dashboard tests. */
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, openPage, PHONE } from './browser.ts';
import { type Mock, startMock } from '../fakes/ui-mock.ts';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { Message } from '../../../core/api/messages.ts';

export interface Stage {
  readonly mock: Mock;
  readonly browser: Browser;
  /** A fresh page; `problems` are script errors and refused content. */
  open(path: string, viewport?: { width: number; height: number }): Promise<{ page: Page; problems: string[] }>;
  add(info: AgentInfo, messages?: Message[]): void;
  /** Bodies of the commands that were received so far, of those whose method and path match. */
  bodies<T>(command: RegExp): T[];
  /** Takes everything away between tests. */
  clear(): void;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const mock = await startMock();
  const browser = await launchBrowser();
  return {
    mock,
    browser,
    async open(path, viewport = PHONE) {
      const opened = await openPage(browser, viewport);
      await opened.page.goto(`${mock.url}/#${path}`);
      return opened;
    },
    add(info, messages = []) {
      mock.agents.set(info.id, { ...info, lastSeq: messages.at(-1)?.seq ?? 0 });
      mock.messages.set(info.id, messages);
    },
    bodies: <T>(command: RegExp) => mock.received.filter(({ path }) => command.test(path)).map(({ body }) => body as T),
    clear() {
      mock.agents.clear();
      mock.messages.clear();
      mock.received.length = 0;
      mock.password = null;
      mock.wrongTries = 0;
      mock.relay = false;
      mock.tasks = [];
      mock.setTunnel(true);
    },
    async close() {
      await browser.close();
      await mock.close();
    },
  };
}
