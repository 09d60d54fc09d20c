import { html } from '../html.ts';
import { NOTIFY_LEVELS } from '../../core/api/notify.ts';
import type { NotifyLevel } from '../../core/api/notify.ts';
import { useApp } from '../app.ts';
import { Card, SelectField, toastError } from '../components/mod.ts';
import { useResource } from '../hooks/use-resource.ts';
import { t } from '../i18n/t.ts';
import { path } from '../route.ts';

type Answer = { level: NotifyLevel };

/** What is told of this agent: as the settings say, or its own choice. */
export function NotifyLevelCard({ id }: { id: string }) {
  const { api } = useApp();
  const address = path`/api/agents/${id}/notify`;
  const { value, set } = useResource(() => api.get<Answer>(address), [id]);
  const change = (level: NotifyLevel) => void api.put<Answer>(address, { level }).then(set, toastError);
  const options = NOTIFY_LEVELS.map((level) => ({ value: level, label: t.notify.levels[level] }));
  if (!value) return null;
  return html`
    <${Card} title=${t.notify.open}>
      <${SelectField} label=${t.notify.level} value=${value.level} options=${options} onChange=${change} />
      <//>
  `;
}
