import { encode } from 'uqr';
import { html, useMemo } from '../html.ts';

/** Light modules around the code, so that cameras find it (ISO/IEC 18004 section 6.3.8 asks for four). */
const QUIET = 4;

/** A text as a QR code, always dark on white: cameras want it so, whatever the theme is. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => draw(text), [text]);
  return html`
    <svg class="qr" role="img" aria-label=${label} viewBox=${`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <rect width=${size} height=${size} fill="#fff" />
      <path d=${path} fill="#000" />
    </svg>
  `;
}

/** One square for each dark module. */
function draw(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET });
  let path = '';
  data.forEach((row, y) => row.forEach((dark, x) => dark && (path += `M${x} ${y}h1v1h-1z`)));
  return { size, path };
}
