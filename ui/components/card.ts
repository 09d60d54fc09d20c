import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { t } from '../i18n/en.ts';
import { Icon } from './icon.ts';

/** A framed part of a page. `actions` stand at the right of the title. */
export function Card(
  props: { title?: string; actions?: ComponentChildren; class?: string; children?: ComponentChildren },
) {
  const { title, actions, children, class: extra = '' } = props;
  return html`<section class=${`card ${extra}`}>
    ${
    (title || actions) &&
    html`<header class="card-head">${title && html`<h2>${title}</h2>`}<div class="row">${actions}</div></header>`
  }
    ${children}
  </section>`;
}

/** A small rounded label. `tone` colours it: neutral, info, good, warn, bad. */
export function Pill({ tone = 'neutral', children }: { tone?: string; children?: ComponentChildren }) {
  return html`<span class=${`pill ${tone}`}>${children}</span>`;
}

/** The top of a page: its heading, a way back, and what can be done here. */
export function PageHead(props: { title: string; back?: string; children?: ComponentChildren }) {
  const { title, back, children } = props;
  return html`<header class="page-head">
    ${
    back !== undefined &&
    html`<a class="button quiet icon-button" href=${`#${back}`} aria-label=${t.nav.back}><${Icon} name="back" /></a>`
  }
    <h1>${title}</h1>
    <div class="row end">${children}</div>
  </header>`;
}
