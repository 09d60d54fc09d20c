/** What scripts/deploy/deploy-remote.sh prints. */

export interface DeployReport {
  /** Where browsers open the relay, and machines dial it. */
  dashboard: string;
  tunnel: string;
  /** Names of the settings that the server had not, and took from the defaults. */
  defaults: string[];
  notes: string[];
}

export class ReportReader {
  readonly report: DeployReport = { dashboard: '', tunnel: '', defaults: [], notes: [] };

  /** @returns the line for people, or null when it was a result */
  line(text: string): string | null {
    const [, name, value] = /^(dashboard|tunnel|default|note):(.*)$/.exec(text) ?? [];
    switch (name) {
      case 'dashboard':
      case 'tunnel':
        this.report[name] = value!;
        return null;
      case 'default':
        this.report.defaults.push(value!);
        return null;
      case 'note':
        this.report.notes.push(value!);
        return null;
      default:
        return text;
    }
  }
}
