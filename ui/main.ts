/** Entry of the dashboard: theme, services, first drawing. */
import './style/main.css';
import { html, render } from './html.ts';
import { App } from './shell/app.ts';
import { startRouting } from './route.ts';
import { startServices } from './services.ts';
import { followTheme } from './theme.ts';
import { followKeyboard } from './keyboard.ts';

followTheme();
followKeyboard();
startRouting();
startServices();
render(html`<${App} />`, document.getElementById('app')!);
