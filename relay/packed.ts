/** Assets as text inside a bundle. */
import { Buffer } from 'node:buffer';
import { brotliDecompressSync } from 'node:zlib';
import type { Asset } from '../core/http/static.ts';

/** Base64. Without `body` the plain bytes are those of `br`. */
export interface PackedAsset {
  path: string;
  body?: string;
  br?: string;
  gz?: string;
}

export function unpack(packed: readonly PackedAsset[]): Asset[] {
  const bytes = (text: string | undefined) => text === undefined ? undefined : Buffer.from(text, 'base64');
  return packed.map((asset) => {
    const br = bytes(asset.br);
    return { path: asset.path, body: bytes(asset.body) ?? brotliDecompressSync(br!), br, gz: bytes(asset.gz) };
  });
}
