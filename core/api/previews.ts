/**
 * Previews: pages that an agent's processes serve on a port of its machine, shown on an origin of their own. Browser-safe.
 * Times are ms since the Unix epoch.
 */
import { integer, need, number, parseField, pick, wrong } from './schema.ts';
import { isMachineId } from './machines.ts';

/** How long a preview is open, ms. */
export const PREVIEW_MS = 8 * 60 * 60_000;
/** Previews of a machine at a time. */
export const MAX_PREVIEWS = 32;

/** A port on which a process of the agent listens, so that it can be reached from its machine. */
export interface ListeningPort {
  port: number;
  /** The program's name, cut to 15 characters. */
  program: string;
}

/** A port that somebody opened. */
export interface Preview {
  id: string;
  agent: string;
  port: number;
  openedAt: number;
  expiresAt: number;
}

/** GET /api/agents/:id/previews */
export interface PreviewList {
  ports: ListeningPort[];
  previews: Preview[];
  /** false: this system does not tell which ports there are; they are entered by hand. */
  detects: boolean;
}

/** POST /api/previews/enter, at whatever server the page came from. */
export interface EnterPreview {
  /** Of the relay; missing: there is only one. */
  machine?: string;
  preview: string;
  port: number;
}

export interface PreviewEntrance {
  /** Opens the preview, once, within a minute. */
  url: string;
}

const MAX_PORT = 65_535;
const PREVIEW_ID = /^[0-9a-f]{32}$/;

const portNumber = (value: unknown, name: string): number => integer(number(1, MAX_PORT)(value, name), name);
const previewId = (value: unknown, name: string): string =>
  typeof value === 'string' && PREVIEW_ID.test(value) ? value : wrong(name, 'the id of a preview');
const machineId = (value: unknown, name: string): string => isMachineId(value) ? value : wrong(name, "a machine's id");

/** Body of POST /api/agents/:id/previews. */
export const parsePreviewPort = (value: unknown): number => parseField(value, 'port', portNumber);

export const parseEnterPreview = (value: unknown): EnterPreview =>
  need(
    pick<EnterPreview>(value, { machine: machineId, preview: previewId, port: portNumber }),
    'preview',
    'port',
  );

const TARGET = /^\/api\/previews\/([0-9a-f]{32})\/forward(\/.*)$/;

/**
 * What the relay asks the machine for, so that the machine asks the port for `url`. A machine that knows no previews has
 * nothing at this address.
 */
export const previewTarget = (preview: string, url: string): string => `/api/previews/${preview}/forward${url}`;

/** null: the target is none of previewTarget. */
export function parsePreviewTarget(target: string): { preview: string; url: string } | null {
  const [, preview, url] = TARGET.exec(target) ?? [];
  return preview === undefined ? null : { preview, url: url! };
}
