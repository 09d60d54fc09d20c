import type { SearchHit } from '../../core/api/search.ts';
import { AppContext, useHasMany, useMachineName } from '../app.ts';
import { Button, EmptyState, Icon, Skeleton, TimeAgo } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { Note } from '../components/note.ts';
import { html } from '../html.ts';
import type { VNode } from '../html.ts';
import { t } from '../i18n/all.ts';
import { at, href, path } from '../route.ts';
import { type Group, grouped, isTooOld, type MachineResult } from './search-state.ts';
import type { SearchView } from './use-search.ts';

/** What was found so far on all machines, and what is missing of it. */
export function Results({ results, more, again }: SearchView) {
  const groups = grouped(results);
  const count = results.reduce((sum, { hits }) => sum + hits.length, 0);
  const isBusy = results.some((result) => result.isBusy);
  const hasMore = results.some(({ answer }) => answer?.cursor != null);
  const failed = results.filter(({ error }) => error);
  const isAllFailed = failed.length === results.length;
  if (isAllFailed && failed.length === 1) {
    return html`<${LoadFailed} error=${sentence(failed[0]!.error)} reload=${again} />`;
  }
  const notes = results.map((result) =>
    html`
      <${AppContext.Provider} key=${result.app.machine} value=${result.app}>
        <${MachineNote} result=${result} onRetry=${again} />
        <//>
    `
  );
  const isNothing = !count && !isBusy && !hasMore && !isAllFailed;
  return html`
    <p class="sr-only" role="status">${!isBusy && t.search.found(count)}</p>
    ${notes}
    ${groups.map((group) => html`<${GroupView} key=${group.key} group=${group} />`)}
    ${isBusy && html`<${Skeleton} lines=${count ? 1 : 5} />`}
    ${isNothing && html`<${EmptyState} icon="search" title=${t.search.none} text=${t.search.noneText} />`}
    ${!isBusy && hasMore && html`
      <div class="search-more">
        <${Button} onClick=${more}>${t.search.more}<//></div>
    `}
  `;
}

const sentence = (error: unknown): string => isTooOld(error) ? t.search.tooOld : (error as Error).message;

/** Why what a machine has may be missing. */
function MachineNote({ result, onRetry }: { result: MachineResult; onRetry: () => void }) {
  const name = useMachineName();
  const { error, answer, isBusy } = result;
  const about = (text: string) => name ? `${name}: ${text}` : text;
  const retry = html`<button type="button" class="link-button" onClick=${onRetry}>${t.common.retry}</button>`;
  if (error) return html`<${Note} tone="bad" alert>${about(sentence(error))} ${retry}<//>`;
  if (!answer || answer.complete || isBusy || answer.searched.agents === answer.searched.of) return null;
  const { agents, of } = answer.searched;
  const text = answer.method === 'index' ? t.search.indexing(agents, of) : t.search.partly(agents, of);
  return html`<${Note}>${about(text)} ${answer.method === 'index' && retry}<//>`;
}

function GroupView({ group: { app, agent, hits } }: { group: Group }) {
  const rows = hits.map((hit) =>
    html`
      <li key=${hit.id}>
        <${HitRow} hit=${hit} machine=${app.machine} />
      </li>
    `
  );
  const machine = useHasMany() && html`
    <${AppContext.Provider} value=${app}>
      <${MachineName} />
      <//>
  `;
  return html`
    <section class="search-group">
      <h2>
        <a href=${href(at(app.machine, path`/agents/${agent.id}`))} class="ellipsis" dir="auto">${agent.name}</a>
        ${machine}
      </h2>
      <ul>${rows}</ul>
    </section>
  `;
}

const MachineName = () =>
  html`
    <span class="hint row">
      <${Icon} name="machine" size=${14} />
      ${useMachineName()}
    </span>
  `;

function HitRow({ hit, machine }: { hit: SearchHit; machine: string }) {
  const to = href(at(machine, `${path`/agents/${hit.agent.id}`}/chat/${hit.seq}`));
  return html`
    <a href=${to}>
      <span class="hint">${t.search.kinds[hit.kind]} · <${TimeAgo} at=${hit.at} plain /></span>
      <span class="search-snippet" dir="auto">${marked(hit)}</span>
    </a>
  `;
}

/** The snippet with what matched marked. A server of another version may send anything: places outside are left out. */
function marked({ snippet, ranges }: SearchHit): (string | VNode)[] {
  const parts: (string | VNode)[] = [];
  let done = 0;
  for (const [from, to] of ranges) {
    if (from < done || to <= from) continue;
    parts.push(snippet.slice(done, from), html`<mark>${snippet.slice(from, to)}</mark>` as VNode);
    done = to;
  }
  return [...parts, snippet.slice(done)];
}
