/** A picture of a page: a tab or window that the person picks in the browser's own dialog, or a file. */

/** The browser can take one: over https or on this machine, and not on phones. */
export const canCapture = (): boolean => typeof navigator.mediaDevices?.getDisplayMedia === 'function';

/** One frame of what the person picks. Rejects when nothing is picked. */
export async function capture(): Promise<ImageBitmap> {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
  try {
    const video = document.createElement('video');
    video.srcObject = stream;
    video.muted = true;
    await video.play();
    return await createImageBitmap(video);
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

export type Stroke = readonly { x: number; y: number }[];

/** Share of the longer side. */
const LINE_WIDTH = 0.004;
/** Seen on every page: a red line with a white edge. */
const COLORS = [['#ffffff', 2], ['#e5202b', 1]] as const;

/** Draws the picture with the marks over it. Coordinates of strokes are those of the canvas. */
export function drawMarked(canvas: HTMLCanvasElement, picture: ImageBitmap, strokes: readonly Stroke[]): void {
  const context = canvas.getContext('2d')!;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.lineCap = context.lineJoin = 'round';
  const width = Math.max(3, Math.max(canvas.width, canvas.height) * LINE_WIDTH);
  for (const [color, factor] of COLORS) {
    context.strokeStyle = color;
    context.lineWidth = width * factor;
    for (const [first, ...rest] of strokes) {
      if (!first) continue;
      context.beginPath();
      context.moveTo(first.x, first.y);
      for (const { x, y } of rest.length ? rest : [first]) context.lineTo(x, y);
      context.stroke();
    }
  }
}
