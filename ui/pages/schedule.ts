import type { ScheduleEntry } from '../../core/api/schedule.ts';
import { useApp } from '../app.ts';
import { Button, confirm, EmptyState, Menu, PageHead, Skeleton, toast, toastError } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import type { MenuItem } from '../components/menu.ts';
import { Note } from '../components/note.ts';
import { useResource } from '../hooks/use-resource.ts';
import { html, useEffect, useState } from '../html.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { path } from '../route.ts';
import { ScheduleEditor } from '../schedule/editor.ts';
import { CRON_LINES, formOf, NEW_ENTRY, type ScheduleForm } from '../schedule/form.ts';

/** While the page is open, ms. */
const RELOAD_MS = 30_000;

/** Agents and the pipeline at their times. */
export default function SchedulePage() {
  const { api } = useApp();
  const [draft, setDraft] = useState<ScheduleForm | null>(null);
  const { value, error, reload } = useResource(() => api.get<ScheduleEntry[]>('/api/schedule'), []);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const add = () => setDraft(NEW_ENTRY);
  const saved = () => {
    setDraft(null);
    reload();
  };
  const tiles = value?.map((entry) =>
    html`<${Tile} key=${entry.id} entry=${entry} edit=${setDraft} onChange=${reload} />`
  );
  return html`
    <div class="page">
      <${PageHead} title=${t.nav.schedule}>
        <${Button} tone="primary" icon="plus" onClick=${add}>${t.schedule.add}<//>
      <//>
      ${!value && error && html`<${LoadFailed} error=${error} reload=${reload} />`}
      ${!value && !error && html`<${Skeleton} lines=${5} />`}
      ${value?.length === 0 && html`
        <${EmptyState} icon="clock" title=${t.schedule.none} text=${t.schedule.noneText} />
      `}
      <ul class="tiles">${tiles}</ul>
      ${draft && html`<${ScheduleEditor} draft=${draft} onSaved=${saved} onClose=${() => setDraft(null)} />`}
    </div>
  `;
}

interface TileProps {
  entry: ScheduleEntry;
  edit: (draft: ScheduleForm) => void;
  onChange: () => void;
}

function Tile({ entry, edit, onChange }: TileProps) {
  const { name, on, nextAt, what, directory } = entry;
  const isOff = !on && entry.cron !== '';
  const next = on && nextAt !== null ? t.schedule.next(whenText(nextAt)) : isOff ? t.schedule.off : t.schedule.never;
  return html`
    <li class="tile">
      <button type="button" class="tile-main" onClick=${() => edit(formOf(entry))}>
        <h2 dir="auto">${name}</h2>
        <p class="preview">${what === 'agent' ? `${t.schedule.agent} · ${directory}` : t.schedule.pipeline}</p>
        <p>${rhythmText(entry)} · ${next}</p>
        <${Last} entry=${entry} />
      </button>
      <${TileMenu} entry=${entry} edit=${edit} onChange=${onChange} />
    </li>
  `;
}

/** What became of the last time. */
function Last({ entry: { last } }: { entry: ScheduleEntry }) {
  if (!last) return null;
  const said = [t.schedule.last(whenText(last.at)), last.missed > 0 && t.schedule.missed(last.missed)].filter(Boolean);
  return html`
    <p class="hint">${said.join(' · ')}</p>
    ${last.error && html`<${Note} tone="bad">${serverText(last.error)}<//>`}
  `;
}

function TileMenu({ entry, edit, onChange }: TileProps) {
  const { api } = useApp();
  const s = t.schedule;
  const address = path`/api/schedule/${entry.id}`;
  const done = (work: Promise<unknown>) => void work.then(onChange, toastError);
  async function remove() {
    if (!await confirm({ title: s.removeTitle, text: s.removeText(entry.name), action: s.remove, tone: 'danger' })) {
      return;
    }
    done(api.delete(address));
  }
  async function runNow() {
    const { last } = await api.post<ScheduleEntry>(`${address}/run`);
    if (!last?.error) toast(s.begun);
  }
  const canSwitch = entry.cron !== '' || entry.on;
  const items: MenuItem[] = [
    { label: s.edit, icon: 'edit', onSelect: () => edit(formOf(entry)) },
    { label: s.runNow, icon: 'play', onSelect: () => done(runNow()) },
    ...(canSwitch
      ? [{
        label: entry.on ? s.switchOff : s.switchOn,
        icon: entry.on ? 'pause' as const : 'play' as const,
        onSelect: () => done(api.put(address, { on: !entry.on })),
      }]
      : []),
    { label: s.remove, icon: 'trash', tone: 'danger', onSelect: () => void remove() },
  ];
  return html`<${Menu} label=${s.menu} items=${items} />`;
}

const whenText = (at: number): string =>
  new Date(at).toLocaleString([], {
    weekday: 'short',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });

function rhythmText({ cron }: ScheduleEntry): string {
  if (!cron) return t.schedule.once;
  const line = CRON_LINES.find((known) => known === cron);
  return line ? t.schedule.lines[line] : cron;
}
