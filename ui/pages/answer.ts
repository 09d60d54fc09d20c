import { chatPath } from '../../core/api/handoff.ts';
import { RequestCard } from '../chat/request-card.ts';
import { LinkButton, PageHead, Skeleton } from '../components/mod.ts';
import { useAnswerable } from '../hooks/pending-requests.ts';
import { html } from '../html.ts';
import { t } from '../i18n/t.ts';
import type { PageProps } from '../route.ts';

/** One request and nothing else: where a notification leads that cannot be answered itself. */
export default function AnswerPage({ params }: PageProps) {
  const { id, request } = params as { id: string; request: string };
  const found = useAnswerable(id, request);
  const content = found?.request.status === 'pending'
    ? html`<${RequestCard} agent=${found.agent} message=${found.request} />`
    : found === undefined
    ? html`<${Skeleton} lines=${4} />`
    : html`<p class="soft">${t.answer.settled}</p>`;
  return html`
    <div class="page answer-page">
      <${PageHead} title=${found?.agent.name ?? t.answer.title} />
      ${content}
      <${LinkButton} to=${chatPath(id)}>${t.answer.open}<//>
    </div>
  `;
}
