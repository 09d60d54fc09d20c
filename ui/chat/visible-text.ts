import { html } from '../html.ts';
import { codeNames, visiblePieces } from '../../core/api/visible.ts';
import type { Piece } from '../../core/api/visible.ts';
import { t } from '../i18n/t.ts';

/** A text in which nothing hides: what cannot be seen is marked, long runs of blanks are counted. */
export const VisibleText = ({ text }: { text: string }) => visiblePieces(text).map(drawPiece);

function drawPiece(piece: Piece, i: number) {
  switch (piece.kind) {
    case 'text':
      return piece.text;
    case 'unseen':
      return html`<span key=${i} class="mark" title=${t.marks.unseen}>${codeNames(piece.text)}</span>`;
    case 'lines':
      return html`<span key=${i} class="mark is-lines">${t.marks.lines(piece.count)}</span>`;
    default:
      return html`<span key=${i} class="mark is-blank">${t.marks[piece.kind](piece.count)}</span>`;
  }
}
