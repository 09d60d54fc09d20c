/** Decodes assets that scripts/build.ts embeds in the bundle as text. */
import { Buffer } from 'node:buffer';
import { brotliDecompressSync } from 'node:zlib';
import type { Asset } from '../core/http/static.ts';

/** An asset in base64. Without `body` the plain bytes are those of `br`, decompressed. */
export interface EmbeddedAsset {
  path: string;
  body?: string;
  br?: string;
  gz?: string;
}

export function decodeAssets(assets: readonly EmbeddedAsset[]): Asset[] {
  const bytes = (text: string | undefined) => text === undefined ? undefined : Buffer.from(text, 'base64');
  return assets.map((asset) => {
    const br = bytes(asset.br);
    return { path: asset.path, body: bytes(asset.body) ?? brotliDecompressSync(br!), br, gz: bytes(asset.gz) };
  });
}
