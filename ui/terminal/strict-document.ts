/**
 * xterm.js draws with <style> elements and style attributes, which the page's Content-Security-Policy refuses. It takes the
 * document that it makes elements with as an option: this one makes a "style" element that puts its text into a constructed
 * style sheet, and elements whose style attribute is set by the CSSOM. Both are allowed to scripts of this origin.
 */
export function strictDocument(document: Document): Document {
  const create = (name: string) => (name === 'style' ? styleElement(document) : element(document, name));
  return new Proxy(document, {
    get(target, key) {
      if (key === 'createElement') return create;
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function element(document: Document, name: string): HTMLElement {
  const made = document.createElement(name);
  made.setAttribute = setAttribute;
  return made;
}

function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}

/** Stands in the page for nothing; its text is a style sheet of the document for as long as it is not removed. */
function styleElement(document: Document): HTMLElement {
  const made = document.createElement('template');
  const sheet = new CSSStyleSheet();
  let isThere = false;
  const detach = () => {
    isThere = false;
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
  };
  Object.defineProperty(made, 'textContent', {
    set(text: string) {
      sheet.replaceSync(text);
      if (!isThere) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      isThere = true;
    },
  });
  made.remove = () => {
    detach();
    Element.prototype.remove.call(made);
  };
  return made;
}
