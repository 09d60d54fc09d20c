/** Light or dark: the system's, unless the user chose one on this device. */
import { deviceStorage, keep } from './device-storage.ts';
import { signal } from './state/signal.ts';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'theme';
const known = (value: string | null): Theme => (value === 'light' || value === 'dark' ? value : 'system');

export const theme = signal<Theme>('system');

export function setTheme(next: Theme): void {
  keep(KEY, next);
  theme.value = next;
}

/** Keeps <html data-theme> right from now on. */
export function followTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const show = () => {
    const choice = theme.value;
    document.documentElement.dataset.theme = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice;
  };
  theme.value = known(deviceStorage.getItem(KEY));
  theme.subscribe(show);
  dark.addEventListener('change', show);
}
