/** What a later server needs to go on with an ACP agent that outlives this one, as JSON. */
import type { Capabilities } from '../../../core/api/agents.ts';
import type { Handshake } from './handshake.ts';
import type { PromptsSnapshot } from './prompts.ts';
import type { RequestsSnapshot } from './open-requests.ts';
import type { ReaderSnapshot } from './reader.ts';
import type { SettingsSnapshot } from './settings.ts';

interface OpenedSnapshot extends PromptsSnapshot {
  session: Pick<Handshake, 'sessionId' | 'version' | 'takesImages'>;
  commands: Capabilities['commands'];
  settings: SettingsSnapshot;
  reader: ReaderSnapshot;
  requests: RequestsSnapshot;
  requestCount: number;
  /** Bytes of a line under way that is too long. */
  dropping: number;
}

/** One that is still being opened cannot be gone on with. */
export type AcpSnapshot = OpenedSnapshot | { isOpening: true };

export const isOpened = (snapshot: AcpSnapshot): snapshot is OpenedSnapshot => !('isOpening' in snapshot);
