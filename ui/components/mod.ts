/**
 * The shared parts of every page. With `html` from ../html.ts:
 *
 *   <${PageHead} title="Tasks" back="/"><${Button} tone="primary" icon="plus" onClick=${add}>Add<//><//>
 *   <${Card} title="General" actions=${html`<${Pill} tone="good">on<//>`}>…<//>
 *   <${TextField} label="Name" value=${name} onInput=${setName} error=${errors.name} />   also TextArea, SelectField, Toggle
 *   ${open && html`<${Dialog} title="New task" onClose=${close} footer=${buttons}>…<//>`}  rendered means open
 *   if (await confirm({ title, text, action: 'Delete', tone: 'danger' })) …
 *   api.delete(path`/api/tasks/${id}`).catch(toastError)
 *   <${EmptyState} icon="tasks" title="No tasks yet" text="…"><${LinkButton} to="/new">…<//><//>
 *   <${Skeleton} lines=${4} /> while loading, <${Spinner} label="Saving" />, <${TimeAgo} at=${ms} />, <${Diffs} diffs=${diffs} />
 *   <${Menu} label="More actions" items=${[{ label, icon, onSelect, tone: 'danger' }]} />
 *
 * A page: a file in ui/pages with a default component ({ params }), and one line in PAGES (ui/shell/pages.ts). Its outermost element
 * is `<div class="page">`. A tab of the agent page: one line in TABS (ui/pages/agent-tabs.ts).
 * State: `useStore((state) => state.tasks)` (ui/app.ts) is kept up to date by the live feed; commands go by `api`.
 * Style: classes of ui/style, own ones in ui/style/<area>.css imported from ui/style/main.css. Colours and spaces only by the
 * variables of ui/style/tokens.css. No style attributes in templates as strings (CSP); `style=${{ width }}` objects are fine.
 */
export { Button, IconButton, LinkButton } from './button.ts';
export { Card, PageHead, Pill } from './card.ts';
export { confirm, Confirmations, Dialog } from './dialog.ts';
export { Diffs, DiffView } from './diff.ts';
export { EmptyState } from './empty.ts';
export { Field, grow, TextArea, TextField, Toggle } from './field.ts';
export { Icon } from './icon.ts';
export type { IconName } from './icon.ts';
export { Menu } from './menu.ts';
export { Segments, Select, SelectField } from './select.ts';
export { Skeleton, Spinner } from './spinner.ts';
export { exactTime, now, span, TimeAgo } from './time-ago.ts';
export { toast, toastError, Toasts } from './toast.ts';
