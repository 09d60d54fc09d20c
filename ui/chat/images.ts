/** Pictures to attach: made small enough for a message and for the model. */

export interface Attached {
  id: string;
  mediaType: string;
  /** base64, as the API wants it. */
  data: string;
  /** For showing it. */
  url: string;
}

/** Longest side after downscaling; px. */
export const MAX_SIDE = 1568;
/** All pictures of a message together, as base64 characters: they go through a phone's upload, and wait in its storage. */
export const MAX_TOTAL = 3_000_000;
const QUALITIES = [0.85, 0.7, 0.5, 0.35];

/** Reads, downscales and encodes a picture. null: the browser cannot read it, or it cannot be made small enough. */
export async function attach(file: Blob, room: number): Promise<Attached | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fff'; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  for (const quality of QUALITIES) {
    const url = canvas.toDataURL('image/jpeg', quality);
    const data = url.slice(url.indexOf(',') + 1);
    if (data.length <= room) return { id: `${Date.now()}-${data.length}`, mediaType: 'image/jpeg', data, url };
  }
  return null;
}
