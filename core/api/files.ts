/** The files of an agent's folder: what a listing and a search say. Paths are below the folder, with "/". Browser-safe. */
import { bool, integer, MAX_FIELD, need, number, pick, text, uuid, ValidationError } from './schema.ts';

export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface FileEntry {
  name: string;
  /** What the other routes take; '' is the folder itself. */
  path: string;
  kind: FileKind;
  /** Bytes; 0 for what is no file. */
  size: number;
  /** ms since the Unix epoch. */
  modifiedAt: number;
  /**
   * false: its name is not UTF-8 and no route reaches it. Bytes of such a name are shown as \xNN; on Linux that text reaches
   * it, unless it is the name of another entry.
   */
  addressable: boolean;
}

/** GET /api/agents/:id/files?path= */
export interface FileListing {
  path: string;
  /** Directories first, then by name. */
  entries: FileEntry[];
  /** Not all are listed. */
  truncated: boolean;
}

/** GET /api/agents/:id/files/search?q= */
export interface FileSearch {
  /** The best first. */
  paths: string[];
  /** The folder has more files than were looked through. */
  truncated: boolean;
}

/** PUT /api/agents/:id/files/content?path= */
export interface FileWritten {
  ok: true;
  path: string;
  size: number;
  /** Of the new content; sent as If-Match it refuses to overwrite a newer one. */
  etag: string;
}

/** One line that holds the text that was looked for. */
export interface FoundLine {
  path: string;
  /** From 1. */
  line: number;
  /** The line, cut around what was found. */
  text: string;
}

/** GET /api/agents/:id/files/search?text= */
export interface ContentSearch {
  found: FoundLine[];
  /** There is more than this, or not everything could be looked through in time. */
  truncated: boolean;
}

/** Bytes of one upload. */
export const MAX_UPLOAD = 16 * 1024 * 1024 * 1024;

/** Bytes of one file that goes with a message. */
export const MAX_ATTACHMENT = 512 * 1024 * 1024;

/** POST /api/agents/:id/uploads. The same id again says how much has arrived, also after a restart of the machine. */
export interface BeginUpload {
  /** A UUID made by the client. */
  uploadId: string;
  /** Where the file is to lie; '': it is attached to a message, under `name`. */
  path: string;
  name?: string;
  /** Bytes of the whole file. */
  size: number;
  /** Replace a file that is there; without it that is 409 `file_exists`. */
  overwrite?: boolean;
}

export interface UploadState {
  uploadId: string;
  /** Bytes that have arrived: where the next part begins. */
  offset: number;
  size: number;
}

export function parseBeginUpload(value: unknown): BeginUpload {
  const checks = {
    uploadId: uuid,
    path: text(MAX_FIELD),
    name: text(MAX_FIELD),
    size: number(0, MAX_UPLOAD),
    overwrite: bool,
  };
  const body = { path: '', ...need(pick<BeginUpload>(value, checks), 'uploadId', 'size') };
  if (!body.path === !body.name) throw new ValidationError('Either "path" or "name" says what the upload becomes.');
  if (body.name && body.size > MAX_ATTACHMENT) {
    throw new ValidationError(`A file that is attached has at most ${MAX_ATTACHMENT} bytes.`, 'size');
  }
  return { ...body, size: integer(body.size, 'size') };
}

/** Body of POST /api/agents/:id/uploads/:upload/finish; `attach`: it is a file for a message → Attachment. */
export function parseFinishUpload(value: unknown): { overwrite: boolean; attach: boolean } {
  return {
    overwrite: false,
    attach: false,
    ...pick<{ overwrite: boolean; attach: boolean }>(value, { overwrite: bool, attach: bool }),
  };
}
