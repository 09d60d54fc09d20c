/** Every sentence of the dashboard, in English. A new area puts its own into a part of its own. */
import { acpAgents } from './acp-agents.ts';
import { changes } from './changes.ts';
import { chat } from './chat.ts';
import { create } from './create.ts';
import { desk } from './desk.ts';
import { devices } from './devices.ts';
import { dictation } from './dictation.ts';
import { files } from './files.ts';
import { first } from './first.ts';
import { handoff } from './handoff.ts';
import { past } from './past.ts';
import { previews } from './previews.ts';
import { machines } from './machines.ts';
import { push } from './push.ts';
import { search } from './search.ts';
import { settings } from './settings.ts';
import { tasks } from './tasks.ts';
import { terminal } from './terminal.ts';
import { schedule } from './schedule.ts';
import { usage } from './usage.ts';

export const english = {
  ...first,
  ...acpAgents,
  ...chat,
  ...create,
  ...tasks,
  ...changes,
  ...files,
  ...search,
  ...settings,
  ...past,
  ...previews,
  ...push,
  ...terminal,
  ...devices,
  ...machines,
  ...desk,
  ...handoff,
  ...dictation,
  ...usage,
  ...schedule,
};

export type English = typeof english;
