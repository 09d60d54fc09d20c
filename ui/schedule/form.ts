/** An entry of the schedule as it is typed. Pure. */
import type { ProviderName } from '../../core/api/agents.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import type { ScheduleBody, ScheduleEntry } from '../../core/api/schedule.ts';

export interface ScheduleForm {
  id?: string;
  name: string;
  what: 'agent' | 'pipeline';
  isOnce: boolean;
  /** `2026-11-30T09:00`, as a field for dates has it: of this device's time zone. */
  at: string;
  cron: string;
  directory: string;
  prompt: string;
  provider: ProviderName;
  model: string;
  [INSTRUCTIONS_FIELD]: string;
}

/** Lines that most people want. */
export const CRON_LINES = ['0 9 * * *', '0 9 * * mon-fri', '0 * * * *', '0 9 * * mon'] as const;

export const NEW_ENTRY: ScheduleForm = {
  name: '',
  what: 'agent',
  isOnce: false,
  at: '',
  cron: CRON_LINES[0],
  directory: '',
  prompt: '',
  provider: DEFAULT_PROVIDER,
  model: '',
  [INSTRUCTIONS_FIELD]: '',
};

export const formOf = (entry: ScheduleEntry): ScheduleForm => ({
  ...NEW_ENTRY,
  id: entry.id,
  name: entry.name,
  what: entry.what,
  isOnce: entry.at > 0,
  at: entry.at > 0 ? fieldOf(entry.at) : '',
  cron: entry.cron || NEW_ENTRY.cron,
  directory: entry.directory,
  prompt: entry.prompt,
  provider: entry.provider,
  model: entry.model,
  [INSTRUCTIONS_FIELD]: entry[INSTRUCTIONS_FIELD],
});

/** What is saved also switches it on: somebody has just said when. */
export function bodyOf({ id: _, isOnce, at, cron, ...rest }: ScheduleForm): ScheduleBody {
  const time = new Date(at).getTime();
  return {
    ...rest,
    name: rest.name.trim(),
    model: rest.model.trim(),
    at: isOnce ? (Number.isNaN(time) ? 0 : time) : 0,
    cron: isOnce ? '' : cron.trim(),
    on: true,
  };
}

function fieldOf(at: number): string {
  const date = new Date(at);
  const local = new Date(at - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
