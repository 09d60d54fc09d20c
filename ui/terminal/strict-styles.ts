/**
 * xterm.js draws with <style> elements and style attributes, which the page's Content-Security-Policy refuses. While a
 * terminal is shown, a "style" element that is made puts its text into a constructed style sheet instead, and style
 * attributes are set by the CSSOM: both are allowed to scripts of this origin, and nothing has to be loosened.
 * (xterm's own `documentOverride` does not reach its viewport and its rows.)
 */
let users = 0;

/** @returns the end of it */
export function useStrictStyles(): () => void {
  if (users++ === 0) document.createElement = createElement as typeof document.createElement;
  return () => {
    // The prototype's own shows again.
    if (--users === 0) delete (document as { createElement?: unknown }).createElement;
  };
}

function createElement(name: string, options?: ElementCreationOptions): HTMLElement {
  if (name === 'style') return styleElement();
  const result = Document.prototype.createElement.call(document, name, options);
  if (name === 'span') result.setAttribute = setAttribute;
  return result;
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}

/** Shows nothing itself; its text is a style sheet of the document until it is removed. */
function styleElement(): HTMLElement {
  const result = Document.prototype.createElement.call(document, 'template');
  const sheet = new CSSStyleSheet();
  const others = () => document.adoptedStyleSheets.filter((other) => other !== sheet);
  Object.defineProperty(result, 'textContent', {
    set(text: string) {
      sheet.replaceSync(text);
      document.adoptedStyleSheets = [...others(), sheet];
    },
  });
  result.remove = () => {
    document.adoptedStyleSheets = others();
    Element.prototype.remove.call(result);
  };
  return result;
}
