/**
 * As what a file may be shown. Whatever it is, it comes with a policy that lets it do nothing on our origin: a page of HTML or
 * SVG is a stranger's program there.
 */
import { UNTRUSTED_CSP } from '../../core/http/default-headers.ts';
import type { HeaderMap, HttpRequest } from '../../core/http/types.ts';

const PLAIN = 'text/plain; charset=utf-8';

/** What a browser shows by itself: pictures, sound, films, PDF. All text is plain text, also HTML and scripts. */
const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  ico: 'image/x-icon',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  wav: 'audio/wav',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  zip: 'application/octet-stream',
  gz: 'application/octet-stream',
};

/** Where a file is a document of its own (Fetch, "destination"), not a picture of another one. */
const DOCUMENTS = ['document', 'iframe', 'frame', 'object', 'embed'];
const SVG = TYPES.svg!;

/**
 * As a document an SVG is text: for a frame in it Chromium opens a connection to any server, before it finds that the policy
 * refuses the frame.
 * @param headers of `fileHeaders`, for a picture @param request the request's
 */
export function documentHeaders(headers: HeaderMap, request: HttpRequest['headers']): HeaderMap | null {
  if (headers['content-type'] !== SVG || isForPicture(request)) return null;
  // Of no use to whoever shows the picture, whose version has the same name.
  return { ...headers, 'content-type': PLAIN, 'cache-control': 'no-store' };
}

/** Without https, and not on this machine, browsers name no destination; what they accept for a picture begins with pictures. */
function isForPicture({ 'sec-fetch-dest': destination, accept }: HttpRequest['headers']): boolean {
  return destination === undefined ? /^image\//.test(String(accept)) : !DOCUMENTS.includes(String(destination));
}

/** @param path of the file; @param download it is to be saved, not shown */
export function fileHeaders(path: string, download: boolean): HeaderMap {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const extension = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  const type = Object.hasOwn(TYPES, extension) ? TYPES[extension]! : PLAIN;
  return {
    'content-type': download ? 'application/octet-stream' : type,
    'content-disposition': `${download ? 'attachment' : 'inline'}; ${fileName(name)}`,
    'content-security-policy': UNTRUSTED_CSP,
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** Of a picture whose bytes were looked at. */
export function pictureHeaders(mediaType: string): HeaderMap {
  return { ...fileHeaders(`picture.${mediaType.slice('image/'.length)}`, false), 'content-type': mediaType };
}

/** @param path of the folder */
export function archiveHeaders(path: string): HeaderMap {
  const { 'content-type': _, ...headers } = fileHeaders(`${path.slice(path.lastIndexOf('/') + 1)}.zip`, true);
  return { ...headers, 'content-type': 'application/zip' };
}

/** RFC 6266 section 4: a plain name for old clients, and the whole one. */
function fileName(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `filename="${plain}"; filename*=UTF-8''${encoded}`;
}
