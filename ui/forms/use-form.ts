/** A form in a dialog: what is typed, what is wrong with it, and saving it. */
import { useState } from '../html.ts';
import { ApiError } from '../net/api.ts';

export interface FieldError {
  /** Empty: of the whole form. */
  field: string;
  text: string;
}

interface Options<T> {
  draft: T;
  /** Fields that show their own errors; any other error is one of the whole form. */
  fields: ReadonlySet<string>;
  /** What has to be mended before it is sent; null: nothing. */
  check: (form: T) => FieldError | null;
  send: (form: T) => Promise<unknown>;
  onSaved: () => void;
}

export interface FieldsProps<T> {
  form: T;
  set: (part: Partial<T>) => void;
  /** What is wrong with a field, '' for the whole form; empty: nothing. */
  errorAt: (field: string) => string;
}

export interface Form<T> extends FieldsProps<T> {
  busy: boolean;
  save: (event: Event) => Promise<void>;
}

export function useForm<T extends object>({ draft, fields, check, send, onSaved }: Options<T>): Form<T> {
  const [form, setForm] = useState(draft);
  const [error, setError] = useState<FieldError | null>(null);
  const [busy, setBusy] = useState(false);
  function set(part: Partial<T>) {
    setForm((old) => ({ ...old, ...part }));
    setError(null);
  }
  async function save(event: Event) {
    event.preventDefault();
    const missing = check(form);
    if (missing) return setError(missing);
    setBusy(true);
    try {
      await send(form);
      onSaved();
    } catch (refused) {
      setBusy(false);
      // The server names a place within a field too: `flags.model`.
      const name = refused instanceof ApiError ? /^\w+/.exec(refused.field)?.[0] ?? '' : '';
      setError({ field: fields.has(name) ? name : '', text: (refused as Error).message });
    }
  }
  return { form, set, errorAt: (field) => (error?.field === field ? error.text : ''), busy, save };
}
