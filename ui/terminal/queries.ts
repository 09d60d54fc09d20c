import type { Terminal } from '@xterm/xterm';

/**
 * The agent machine answers what programs ask their terminal; an answer of this page would come twice, and for replayed output
 * at the wrong time, as letters in somebody's shell. So those questions end here. Colours can be set but not asked for.
 */
export function leaveQueriesToServer({ parser }: Terminal): void {
  const taken = () => true;
  for (
    const id of [
      { final: 'c' }, // DA1
      { prefix: '>', final: 'c' }, // DA2
      { prefix: '=', final: 'c' }, // DA3
      { final: 'n' }, // DSR
      { prefix: '?', final: 'n' },
      { intermediates: '$', final: 'p' }, // DECRQM
      { prefix: '?', intermediates: '$', final: 'p' },
      { prefix: '>', final: 'q' }, // XTVERSION
      { final: 't' }, // window reports
    ]
  ) parser.registerCsiHandler(id, taken);
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, taken); // DECRQSS
  for (const code of [4, 10, 11, 12]) parser.registerOscHandler(code, (data) => data.includes('?'));
}
