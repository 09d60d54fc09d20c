/** The terminal's colours for the page's two themes. */
import type { ITheme } from '@xterm/xterm';

const light: ITheme = {
  background: '#ffffff',
  foreground: '#1c1d1f',
  cursor: '#1c1d1f',
  cursorAccent: '#ffffff',
  overviewRulerBorder: '#ffffff',
  selectionBackground: '#c9d3ff',
  selectionInactiveBackground: '#e3e3de',
  scrollbarSliderBackground: '#00000026',
  scrollbarSliderHoverBackground: '#00000047',
  scrollbarSliderActiveBackground: '#0000005c',
  black: '#1c1d1f',
  red: '#c02b2b',
  green: '#1a7f4b',
  yellow: '#8a5a00',
  blue: '#2f46cf',
  magenta: '#a0279b',
  cyan: '#0b7285',
  white: '#6e7178',
  brightBlack: '#55585e',
  brightRed: '#d83a3a',
  brightGreen: '#218f57',
  brightYellow: '#9c6b06',
  brightBlue: '#3d5afe',
  brightMagenta: '#b33fae',
  brightCyan: '#0f8299',
  brightWhite: '#8a8d94',
};

const dark: ITheme = {
  background: '#101113',
  foreground: '#e4e5e8',
  cursor: '#ececee',
  cursorAccent: '#101113',
  overviewRulerBorder: '#101113',
  selectionBackground: '#3b4680',
  selectionInactiveBackground: '#2c2e33',
  scrollbarSliderBackground: '#ffffff26',
  scrollbarSliderHoverBackground: '#ffffff47',
  scrollbarSliderActiveBackground: '#ffffff5c',
  black: '#3a3d44',
  red: '#ff7b72',
  green: '#5cc98f',
  yellow: '#efb75a',
  blue: '#8ea2ff',
  magenta: '#d98ce0',
  cyan: '#6cc8d8',
  white: '#c9ccd3',
  brightBlack: '#8f939b',
  brightRed: '#ff9d96',
  brightGreen: '#84deae',
  brightYellow: '#f7cd85',
  brightBlue: '#b1bfff',
  brightMagenta: '#e8b1ed',
  brightCyan: '#98dfec',
  brightWhite: '#ffffff',
};

/** As the page shows itself now. */
export const pageColors = (): ITheme => (document.documentElement.dataset.theme === 'dark' ? dark : light);

/** Calls back when the page's theme changes; gives the end of it. */
export function followPageColors(show: () => void): () => void {
  const observer = new MutationObserver(show);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}
