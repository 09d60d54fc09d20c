/** C0 and DEL, but for tab, line feed and carriage return; and C1 (ECMA-48 sections 5.2, 5.3). */
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;
/** None of its bytes in UTF-8 (EF BF BD) is a control, whatever encoding a program believes in. */
const REPLACEMENT = '\ufffd';

/**
 * Pasted text, without what a program could take for the end of the paste (`ESC [201~`, also with CSI as one C1 character) or
 * for a key. A program that asked for brackets around a paste runs nothing that stands between them; what comes after the end
 * counts as typed. Each control becomes one visible character: nothing is removed, so no new sequence can be joined.
 */
export const cleanPaste = (text: string): string => text.replace(CONTROLS, REPLACEMENT);
