/** A message as the content blocks of `session/prompt`. */
import { pathToFileURL } from 'node:url';
import type { Mention } from '../mentions.ts';
import type { OutgoingMessage } from '../provider.ts';
import type { JsonObject } from '../untyped-json.ts';

/** `leftOut`: a sentence about what the agent does not take; '' when all went. An empty prompt must not be sent. */
export function promptOf(
  { text, images, files = [] }: OutgoingMessage,
  takesImages: boolean,
  name: string,
  mentions: readonly Mention[] = [],
): { prompt: JsonObject[]; leftOut: string } {
  const pictures = takesImages
    ? images.map(({ mediaType, data }) => ({ type: 'image', mimeType: mediaType, data }))
    : [];
  // Every agent takes links to resources (prompt capabilities, baseline).
  const link = ({ path, ...rest }: Mention & { size?: number }) => ({
    type: 'resource_link',
    ...rest,
    uri: pathToFileURL(path).href,
  });
  const links = [...mentions, ...files].map(link);
  const prompt = [...(text ? [{ type: 'text', text }] : []), ...pictures, ...links];
  if (pictures.length === images.length) return { prompt, leftOut: '' };
  return { prompt, leftOut: `${name} takes no pictures${text ? ': the text was sent without them' : ''}.` };
}
