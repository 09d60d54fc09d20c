import { html } from '../html.ts';
import { SelectField } from '../components/mod.ts';
import { useStore } from '../app.ts';

interface Props {
  label: string;
  /** What the list shows while nothing is chosen. */
  prompt: string;
  onPick: (content: string) => void;
}

/** Fills the instructions from a saved template; nothing when there is none. */
export function TemplateField({ label, prompt, onPick }: Props) {
  const table = useStore((state) => state.templates);
  const templates = Object.values(table).sort((a, b) => a.name.localeCompare(b.name));
  if (!templates.length) return null;
  const options = [{ value: '', label: prompt }, ...templates.map(({ id, name }) => ({ value: id, label: name }))];
  const pick = (id: string) => id && onPick(table[id]!.content);
  return html`<${SelectField} label=${label} value="" options=${options} onChange=${pick} />`;
}
