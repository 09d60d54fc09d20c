/** Light or dark: the system's, unless the user chose one on this device. */
import { cell } from './cell.ts';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'theme';
const known = (value: string | null): Theme => (value === 'light' || value === 'dark' ? value : 'system');

export const theme = cell<Theme>('system');

export function setTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  theme.set(next);
}

/** Keeps <html data-theme> right from now on. */
export function followTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const show = () => {
    const choice = theme.get();
    document.documentElement.dataset.theme = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice;
  };
  theme.set(known(localStorage.getItem(KEY)));
  theme.subscribe(show);
  dark.addEventListener('change', show);
  show();
}
