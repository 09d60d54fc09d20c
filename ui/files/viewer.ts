/** One file, as what it is. */
import { html, useEffect } from '../html.ts';
import { Button, Icon, Skeleton, toastError } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { type Resource, useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import { type Api, ApiError } from '../net/api.ts';
import { t } from '../i18n/all.ts';
import { at } from '../route.ts';
import type { TabProps } from '../agent/tab-props.ts';
import { contentUrl, nameOf } from './file-address.ts';
import { FileBar, type FileHead, type FileViewProps } from './file-bar.ts';
import { TextFile } from './text-file.ts';

interface Props extends TabProps {
  file: string;
  line: number;
  /** What was opened as a file is a directory. */
  onDirectory: (path: string) => void;
}

export function Viewer({ agent, file, line, onDirectory }: Props) {
  const { api } = useApp();
  const load = () => headOf(api, agent.id, file);
  const { value, error, reload } = useResource(load, [agent.id, file, agent.state]) as Resource<FileHead | 'directory'>;
  useEffect(() => {
    if (value === 'directory') onDirectory(file);
  }, [value]);
  if (!value && error) return html`<${LoadFailed} error=${error} reload=${reload} />`;
  if (!value || value === 'directory') return html`<${Skeleton} lines=${6} />`;
  return html`<${FileView} agent=${agent.id} file=${file} head=${value} line=${line} reload=${reload} />`;
}

async function headOf(api: Api, agent: string, file: string): Promise<FileHead | 'directory'> {
  try {
    const { headers } = await api.raw('HEAD', contentUrl(agent, file));
    const type = headers.get('content-type') ?? '';
    return { size: Number(headers.get('content-length') ?? 0), type, etag: headers.get('etag') ?? '' };
  } catch (error) {
    // An answer to HEAD has no body that could say which refusal it is.
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    return 'directory';
  }
}

function FileView(props: FileViewProps) {
  const { agent, file, head } = props;
  const { machine } = useApp();
  const url = contentUrl(agent, file);
  // Asked for by the browser itself, so it names the machine. Another version is another address: no old picture stays.
  const fresh = `${at(machine, url)}&v=${encodeURIComponent(head.etag)}`;
  const kind = head.type.split('/')[0];
  if (kind === 'text') return html`<${TextFile} ...${props} />`;
  return html`
    <div class="files-body">
      <${FileBar} agent=${agent} file=${file} head=${head} />
      ${kind === 'image' && html`<${Picture} url=${fresh} name=${nameOf(file)} />`}
      ${kind === 'audio' && html`<audio class="media" controls preload="metadata" src=${fresh}></audio>`}
      ${kind === 'video' && html`<video class="media" controls playsinline preload="metadata" src=${fresh}></video>`}
      ${head.type === 'application/pdf' && html`<${Document} url=${url} name=${nameOf(file)} />`}
      ${head.type === 'application/octet-stream' && html`<${TextFile} ...${props} isBinary />`}
    </div>
  `;
}

const Picture = ({ url, name }: { url: string; name: string }) =>
  html`
    <div class="picture"><img src=${url} alt=${name} /></div>
  `;

/** Longest time for a document on its way, ms; and how long the browser needs its address. */
const FETCH_MS = 120_000;
const KEEP_MS = 60_000;

/** In a page of the browser's own: a document is shown by a program of the browser, which our policy keeps off this page. */
function Document({ url, name }: { url: string; name: string }) {
  const { api } = useApp();
  async function open() {
    const page = globalThis.open('about:blank', '_blank');
    const { content } = await api.raw('GET', url, { timeout: FETCH_MS });
    const address = URL.createObjectURL(new Blob([content], { type: 'application/pdf' }));
    setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
    if (page) {
      page.opener = null;
      page.location.replace(address);
    } else location.assign(address);
  }
  return html`
    <div class="document">
      <${Icon} name="file" size=${48} />
      <p class="ellipsis"><bdi>${name}</bdi></p>
      <${Button} tone="primary" icon="expand" onClick=${() => void open().catch(toastError)}>${t.files.openPdf}<//>
    </div>
  `;
}
