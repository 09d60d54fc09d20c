/** A screenshot on which one draws what is meant: with a sentence it becomes a message to the agent. */
import { html, useEffect, useRef, useState } from '../html.ts';
import { useApp } from '../app.ts';
import { attach, MAX_SIDE, MAX_TOTAL } from '../chat/images.ts';
import { Button, Dialog, TextArea, toast } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { newId } from '../net/api.ts';
import { drawMarked, type Stroke } from './screenshot.ts';

interface Props {
  agent: string;
  picture: ImageBitmap;
  onClose: () => void;
}

export default function MarkDialog({ agent, picture, onClose }: Props) {
  const { outbox } = useApp();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [strokes, setStrokes] = useState<readonly Stroke[]>([]);
  const [text, setText] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  async function send(event: Event) {
    event.preventDefault();
    if (!text.trim()) return setError(t.previews.needWords);
    setBusy(true);
    try {
      const image = await attach(await blobOf(canvas.current!), MAX_TOTAL);
      if (!image) throw new Error(t.composer.notPicture);
      const { mediaType, data } = image;
      const body = { text: text.trim(), clientId: newId(), images: [{ mediaType, data }] };
      outbox.add({ kind: 'message', agent, body });
      toast(t.previews.markSent);
      onClose();
    } catch (failure) {
      setBusy(false);
      setError((failure as Error).message);
    }
  }
  const field = { label: t.previews.words, value: text, error, onInput: setText };
  const undo = () => setStrokes(strokes.slice(0, -1));
  return html`
    <${Dialog} title=${t.previews.mark} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${send}>
        <p class="hint">${t.previews.markText}</p>
        <${Sheet} canvas=${canvas} picture=${picture} strokes=${strokes} onStrokes=${setStrokes} />
        <${TextArea} rows=${2} ...${field} />
        <div class="row end">
          <${Button} disabled=${!strokes.length} onClick=${undo}>${t.previews.undoMark}<//>
          <${Button} type="submit" tone="primary" icon="send" busy=${busy}>${t.previews.sendMark}<//>
        </div>
      </form>
    <//>
  `;
}

interface SheetProps {
  canvas: { current: HTMLCanvasElement | null };
  picture: ImageBitmap;
  strokes: readonly Stroke[];
  onStrokes: (change: (old: readonly Stroke[]) => readonly Stroke[]) => void;
}

/** Points of all strokes: more are not drawn. */
const MAX_POINTS = 20_000;

function Sheet({ canvas, picture, strokes, onStrokes }: SheetProps) {
  const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
  const size = { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) };
  useEffect(() => drawMarked(canvas.current!, picture, strokes), [picture, strokes]);
  const pointOf = ({ offsetX, offsetY }: PointerEvent) => {
    const { clientWidth, width } = canvas.current!;
    return { x: (offsetX * width) / clientWidth, y: (offsetY * width) / clientWidth };
  };
  function begin(event: PointerEvent) {
    event.preventDefault();
    canvas.current!.setPointerCapture(event.pointerId);
    onStrokes((old) => [...old, [pointOf(event)]]);
  }
  function move(event: PointerEvent) {
    if (!canvas.current!.hasPointerCapture(event.pointerId)) return;
    onStrokes((old) =>
      old.reduce((sum, stroke) => sum + stroke.length, 0) < MAX_POINTS
        ? [...old.slice(0, -1), [...old.at(-1)!, pointOf(event)]]
        : old
    );
  }
  return html`
    <canvas
      ref=${canvas}
      class="mark-sheet"
      role="img"
      aria-label=${t.previews.sheet}
      onPointerDown=${begin}
      onPointerMove=${move}
      ...${size}
    ></canvas>
  `;
}

const blobOf = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob((blob) => blob ? resolve(blob) : reject(new Error(t.composer.notPicture)), 'image/png')
  );
