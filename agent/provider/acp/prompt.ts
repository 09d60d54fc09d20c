/** A message as the content blocks of `session/prompt`. */
import { pathToFileURL } from 'node:url';
import type { OutgoingMessage } from '../provider.ts';
import type { JsonObject } from '../untyped-json.ts';

/** `leftOut`: a sentence about what the agent does not take; '' when all went. An empty prompt must not be sent. */
export function promptOf(
  { text, images, files = [] }: OutgoingMessage,
  takesImages: boolean,
  name: string,
): { prompt: JsonObject[]; leftOut: string } {
  const pictures = takesImages
    ? images.map(({ mediaType, data }) => ({ type: 'image', mimeType: mediaType, data }))
    : [];
  // Every agent takes links to resources (prompt capabilities, baseline).
  const links = files.map(({ name, path, size }) => ({
    type: 'resource_link',
    name,
    uri: pathToFileURL(path).href,
    size,
  }));
  const prompt = [...(text ? [{ type: 'text', text }] : []), ...pictures, ...links];
  if (pictures.length === images.length) return { prompt, leftOut: '' };
  return { prompt, leftOut: `${name} takes no pictures${text ? ': the text was sent without them' : ''}.` };
}
