import { isSearchable, MAX_QUERY } from '../../core/api/search.ts';
import { EmptyState, Icon, PageHead } from '../components/mod.ts';
import { html, useState } from '../html.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import type { PageProps } from '../route.ts';
import { Results } from '../search/results.ts';
import { useSearch } from '../search/use-search.ts';

/** Searches all conversations on all machines. The address has the query: who comes back finds it again. */
export default function SearchPage({ params }: PageProps) {
  const [query, setQuery] = useState(params.query ?? '');
  const view = useSearch(query);
  const isShort = query.trim() !== '' && !isSearchable(query);
  const type = (text: string) => {
    setQuery(text);
    go(text.trim() ? path`/search/${text}` : '/search', true);
  };
  return html`
    <div class="page">
      <${PageHead} title=${t.search.title} />
      <${QueryField} value=${query} onInput=${type} />
      ${!view.results.length && html`<${Hint} isShort=${isShort} />`}
      ${view.results.length > 0 && html`<${Results} ...${view} />`}
    </div>
  `;
}

function QueryField({ value, onInput }: { value: string; onInput: (text: string) => void }) {
  return html`
    <label class="search wide">
      <${Icon} name="search" size=${18} />
      <input
        class="input"
        type="search"
        autofocus
        maxlength=${String(MAX_QUERY)}
        aria-label=${t.search.field}
        placeholder=${t.search.field}
        value=${value}
        onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
      />
    </label>
  `;
}

const Hint = ({ isShort }: { isShort: boolean }) =>
  html`
    <${EmptyState} icon="search" title=${isShort ? t.search.short : t.search.begin} text=${t.search.beginText} />
  `;
