import { useWaiting } from '../agent/use-waiting.ts';
import { useApp } from '../app.ts';
import { Mark } from '../components/brand.ts';
import { Dialog, Icon, Segments, toastError } from '../components/mod.ts';
import { html, useState } from '../html.ts';
import { chooseLanguage, language, LANGUAGES, t } from '../i18n/t.ts';
import type { Language } from '../i18n/t.ts';
import { href, usePath } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { setTheme, theme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { PAGES } from './pages.ts';
import type { Page } from './pages.ts';

/** The navigation of a wide window. */
export function Side() {
  return html`
    <aside class="side">
      <a class="brand" href="#/">
        <${Mark} />
        <span>${t.product}</span>
      </a>
      <nav aria-label=${t.nav.label}>
        <${NavLinks} place="main" />
        <hr />
        <${NavLinks} place="more" />
      </nav>
      <div class="side-foot">
        <${LanguageChoice} />
        <${ThemeChoice} />
        <${SignOutButton} />
      </div>
    </aside>
  `;
}

/** The navigation of a phone: the main pages, and the rest behind "More". */
export function BottomBar() {
  const [open, setOpen] = useState(false);
  return html`
    <nav class="bottom-bar" aria-label=${t.nav.label}>
      <${NavLinks} place="main" />
      <button type="button" aria-haspopup="dialog" onClick=${() => setOpen(true)}>
        <${Icon} name="menu" />
        <span>${t.nav.more}</span>
      </button>
    </nav>
    ${open && html`<${MoreDialog} onClose=${() => setOpen(false)} />`}
  `;
}

function MoreDialog({ onClose }: { onClose: () => void }) {
  return html`
    <${Dialog} title=${t.nav.more} onClose=${onClose}>
      <nav class="more-list" aria-label=${t.nav.more}>
        <${NavLinks} place="more" onClick=${onClose} />
        <${SignOutButton} />
      </nav>
      <${ThemeChoice} />
      <${LanguageChoice} />
      <//>
  `;
}

function NavLinks({ place, onClick }: { place: 'main' | 'more'; onClick?: () => void }) {
  const waiting = useWaiting();
  const hasMachines = useSignalValue(useApp().fleet.machines, ({ length }) => length > 0);
  const isHere = ({ nav }: Page) => nav?.place === place && (hasMachines || !nav.onlyAtRelay);
  return PAGES.filter(isHere).map((page) =>
    html`<${NavLink} key=${page.path} page=${page} badge=${page.path === '/' ? waiting : 0} onClick=${onClick} />`
  );
}

function NavLink({ page, badge, onClick }: { page: Page; badge: number; onClick?: () => void }) {
  const path = usePath();
  const isCurrent = page.path === '/' ? path === '/' || path.startsWith('/agents') : path.startsWith(page.path);
  return html`
    <a href=${href(page.path)} aria-current=${isCurrent ? 'page' : undefined} onClick=${onClick}>
      <${Icon} name=${page.nav!.icon} />
      <span>${page.title}</span>
      ${badge > 0 && html`<span class="nav-badge" aria-label=${t.nav.waiting(badge)}>${badge}</span>`}
    </a>
  `;
}

const THEMES: Theme[] = ['system', 'light', 'dark'];

function LanguageChoice() {
  const options = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  const choose = (value: string) => chooseLanguage(value as Language);
  return html`<${Segments} label=${t.nav.language} value=${language} options=${options} onChange=${choose} />`;
}

function ThemeChoice() {
  const choice = useSignalValue(theme);
  const options = THEMES.map((value) => ({ value, label: t.nav.themes[value] }));
  return html`<${Segments} label=${t.nav.theme} value=${choice} options=${options} onChange=${setTheme} />`;
}

function SignOutButton() {
  const { auth } = useApp();
  const signOut = () => void auth.signOut().catch(toastError);
  if (!useSignalValue(auth.hasLogin)) return null;
  return html`
    <button type="button" onClick=${signOut}>
      <${Icon} name="signOut" />
      ${t.nav.signOut}
    </button>
  `;
}
