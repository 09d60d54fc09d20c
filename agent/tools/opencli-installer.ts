/** OpenCLI for the settings page: one installation at a time, in the background because it takes longer than a request may. */
import { Failure } from '../../core/api/errors.ts';
import type { OpenCliStatus } from '../../core/api/settings.ts';
import { offerOpenCli, OPENCLI, removeOpenCli, syncOpenCli } from './opencli.ts';
import type { AgentContext } from '../context.ts';

export class OpenCli {
  readonly #context: AgentContext;
  readonly #onChange: () => void;
  #running: Promise<void> | null = null;
  #error = '';

  /** @param onChange called when it was installed, was removed or failed */
  constructor(context: AgentContext, onChange: () => void) {
    this.#context = context;
    this.#onChange = onChange;
    void offerOpenCli(context.config.dataDir).catch((error) =>
      context.log.warn('OpenCLI is not offered', { error: error.message })
    );
  }

  get status(): OpenCliStatus {
    return { running: this.#running !== null, error: this.#error, package: OPENCLI.package, version: OPENCLI.version };
  }

  sync(): void {
    this.#running ??= this.#sync().finally(() => {
      this.#running = null;
      this.#changed();
    });
  }

  async #sync(): Promise<void> {
    const { log, config } = this.#context;
    this.#error = '';
    try {
      const version = await syncOpenCli({ dataDir: config.dataDir, report: (line) => log.info(`OpenCLI: ${line}`) });
      log.info('OpenCLI installed', { version });
    } catch (error) {
      this.#error = error instanceof Error ? error.message : String(error);
      log.warn(this.#error);
    }
  }

  async remove(): Promise<void> {
    if (this.#running) throw new Failure('installing', 'OpenCLI is being installed. Wait until that is done.');
    await removeOpenCli(this.#context.config.dataDir);
    this.#error = '';
    this.#context.log.info('OpenCLI removed');
    this.#changed();
  }

  #changed(): void {
    this.#onChange();
    this.#context.publish({ type: 'settings' });
  }
}
