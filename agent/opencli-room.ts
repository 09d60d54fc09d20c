/** OpenCLI behind the settings page: one sync at a time, in the background, because it takes longer than a request may. */
import { HttpError } from '../core/http/reply.ts';
import type { OpenCliStatus } from '../core/wire/workshop.ts';
import { offerOpenCli, OPENCLI, removeOpenCli, syncOpenCli } from './opencli.ts';
import type { House } from './rooms.ts';

export class OpenCli {
  readonly #house: House;
  readonly #onChange: () => void;
  #running: Promise<void> | null = null;
  #error = '';

  /** @param onChange told when it was installed, removed or failed */
  constructor(house: House, onChange: () => void) {
    this.#house = house;
    this.#onChange = onChange;
    void offerOpenCli(house.config.dataDir).catch((error) =>
      house.log.warn('OpenCLI is not offered', { error: error.message })
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
    const { log, config } = this.#house;
    this.#error = '';
    try {
      const version = await syncOpenCli({ dataDir: config.dataDir, tell: (line) => log.info(`OpenCLI: ${line}`) });
      log.info('OpenCLI installed', { version });
    } catch (error) {
      this.#error = error instanceof Error ? error.message : String(error);
      log.warn(this.#error);
    }
  }

  async remove(): Promise<void> {
    if (this.#running) throw new HttpError(409, 'busy', 'OpenCLI is being installed. Wait until that is done.');
    await removeOpenCli(this.#house.config.dataDir);
    this.#error = '';
    this.#house.log.info('OpenCLI removed');
    this.#changed();
  }

  #changed(): void {
    this.#onChange();
    this.#house.publish({ type: 'settings' });
  }
}
