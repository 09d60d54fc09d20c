import { html, useState } from '../html.ts';
import { useCell } from '../cell.ts';
import { Dialog, Icon, Segments, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { href, PAGES, useWhere } from '../route.ts';
import type { Page } from '../route.ts';
import { hasLogin, signOut, useStore } from '../services.ts';
import { needsMe } from '../agents.ts';
import { setTheme, theme } from '../theme.ts';
import type { Theme } from '../theme.ts';

const inPlace = (place: 'main' | 'more') => PAGES.filter((page) => page.nav?.place === place);

/** How many agents wait for the user. */
export const useWaiting = (): number => useStore((state) => Object.values(state.agents).filter(needsMe).length);

function NavLink({ page, badge = 0, onClick }: { page: Page; badge?: number; onClick?: () => void }) {
  const where = useWhere();
  const current = page.path === '/'
    ? where.path === '/' || where.path.startsWith('/agents')
    : where.path.startsWith(page.path);
  return html`<a href=${href(page.path)} aria-current=${current ? 'page' : undefined} onClick=${onClick}>
    <${Icon} name=${page.nav!.icon} /><span>${page.title}</span>
    ${badge > 0 && html`<span class="nav-badge" aria-label=${t.nav.waiting(badge)}>${badge}</span>`}</a>`;
}

/** The navigation of a wide window. */
export function Side() {
  const waiting = useWaiting();
  return html`
    <aside class="side">
      <a class="brand" href="#/"><${Mark} /><span>${t.product}</span></a>
      <nav aria-label=${t.nav.label}>
          ${inPlace('main').map((page) =>
            html`<${NavLink} key=${page.path} page=${page} badge=${page.path === '/' ? waiting : 0} />`
          )}
          <hr />
          ${inPlace('more').map((page) => html`<${NavLink} key=${page.path} page=${page} />`)}
        </nav>
      <div class="side-foot">
        <${ThemeChoice} />
        <${SignOutButton} />
      </div>
    </aside>
  `;
}

/** The navigation of a phone: the main pages, and the rest behind "More". */
export function BottomBar() {
  const waiting = useWaiting();
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return html`<nav class="bottom-bar" aria-label=${t.nav.label}>
    ${
    inPlace('main').map((page) =>
      html`<${NavLink} key=${page.path} page=${page} badge=${page.path === '/' ? waiting : 0} />`
    )
  }
    <button type="button" aria-haspopup="dialog" onClick=${() =>
    setOpen(true)}><${Icon} name="menu" /><span>${t.nav.more}</span></button>
  </nav>
  ${
    open && html`
      <${Dialog} title=${t.nav.more} onClose=${close}>
        <nav class="more-list" aria-label=${t.nav.more}>
            ${inPlace('more').map((page) => html`<${NavLink} key=${page.path} page=${page} onClick=${close} />`)}
            <${SignOutButton} />
          </nav>
        <${ThemeChoice} />
        <//>
    `
  }`;
}

export const Mark = () => html`<span class="brand-mark"><${Icon} name="agents" size=${17} /></span>`;

function ThemeChoice() {
  const choice = useCell(theme);
  const options = (['system', 'light', 'dark'] as const).map((value) => ({ value, label: t.nav.themes[value] }));
  return html`<${Segments} label=${t.nav.theme} value=${choice} options=${options} onChange=${(value: string) =>
    setTheme(value as Theme)} />`;
}

function SignOutButton() {
  if (!useCell(hasLogin)) return null;
  return html`<button type="button" onClick=${() =>
    void signOut().catch(toastError)}><${Icon} name="signOut" />${t.nav.signOut}</button>`;
}
