/** Copies of templates and settings for the other machines. */
import type { Settings } from '../../core/api/settings.ts';
import { useApp } from '../app.ts';
import type { App } from '../app.ts';
import { Button, Card, confirm, toast, toastError } from '../components/mod.ts';
import { html } from '../html.ts';
import { machineTexts as texts } from '../i18n/machines.ts';
import { bodyOf, formOf } from './settings-form.ts';
import { useSignalValue } from '../state/signal.ts';

interface Other {
  app: App;
  name: string;
  connected: boolean;
}

/** Every machine but this one; empty: there is no other. */
export function useOthers(): Other[] {
  const { fleet, machine } = useApp();
  const apps = useSignalValue(fleet.apps);
  const machines = useSignalValue(fleet.machines);
  return apps.filter((app) => app.machine !== machine).map((app) => ({
    app,
    name: '',
    connected: false,
    ...machines.find(({ id }) => id === app.machine),
  }));
}

/** The settings that mean the same on every machine: none with a path of this one, and no program that it starts. */
function portable(settings: Settings) {
  const { roots: _roots, ...body } = bodyOf(formOf(settings));
  return body;
}

/** Copies the saved settings to another machine. */
export default function CopySettings({ settings }: { settings: Settings }) {
  const others = useOthers();
  async function copy({ app, name }: Other): Promise<void> {
    if (!await confirm(texts.confirmCopy(name))) return;
    await app.api.put('/api/settings', portable(settings));
    toast(texts.copiedTo(name));
  }
  const buttons = others.map((other) =>
    html`
      <${Button}
        key=${other.app.machine}
        icon="copy"
        disabled=${!other.connected}
        onClick=${() => void copy(other).catch(toastError)}
      >
        ${texts.copyTo(other.name)}
      <//>
    `
  );
  return html`
    <${Card} title=${texts.copySettings}>
      <p class="soft">${texts.copySettingsText}</p>
      <div class="row wrap">${buttons}</div>
      <//>
  `;
}
