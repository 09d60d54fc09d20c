import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { t } from '../i18n/t.ts';
import { Icon } from './icon.ts';

interface CardProps {
  title?: string;
  /** Stand at the right of the title. */
  actions?: ComponentChildren;
  class?: string;
  children?: ComponentChildren;
}

/** A framed part of a page. */
export function Card({ title, actions, class: extra = '', children }: CardProps) {
  const head = (title || actions) && html`
    <header class="card-head">
      ${title && html`<h2>${title}</h2>`}
      <div class="row">${actions}</div>
    </header>
  `;
  return html`
    <section class=${`card ${extra}`}>
      ${head}
      ${children}
    </section>
  `;
}

/** A small rounded label. `tone` colours it: neutral, info, good, warn, bad. */
export function Pill({ tone = 'neutral', children }: { tone?: string; children?: ComponentChildren }) {
  return html`<span class=${`pill ${tone}`}>${children}</span>`;
}

interface PageHeadProps {
  title: string;
  /** Path of the page that the arrow leads to; without it there is no arrow. */
  back?: string;
  children?: ComponentChildren;
}

/** The top of a page: its heading, a way back, and what can be done here. */
export function PageHead({ title, back, children }: PageHeadProps) {
  return html`
    <header class="page-head">
      ${back !== undefined && html`
        <a class="button quiet icon-button" href=${`#${back}`} aria-label=${t.nav.back}>
          <${Icon} name="back" />
        </a>
      `}
      <h1>${title}</h1>
      <div class="row end">${children}</div>
    </header>
  `;
}
