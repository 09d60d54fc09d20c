/** What the server refuses and why, in Chinese: by the code of the error, with what its parameters name. */
import type { ErrorParams } from '../../../core/api/errors.ts';
import type { ApiErrorCode } from '../en/server-words.ts';
import { device, sentence } from './sentences.ts';

type Words = string | ((params: ErrorParams) => string);

/** A part that is there only when the server named it. */
const present = (value: string | number | undefined, text: (value: string | number) => string): string =>
  value === undefined || value === '' ? '' : text(value);
const reason = (params: ErrorParams) => present(params.reason, (why) => `：${sentence(String(why))}`);
const files = (params: ErrorParams) => present(params.files, (names) => `：${names}`);
const limit = (params: ErrorParams) => present(params.limit, (n) => `（最多 ${n} 个）`);
const path = (params: ErrorParams) => present(params.path, (at) => ` ${at} `);

const LATER = '请稍后再试。';
const RELOAD = '请重新加载页面。';

const ERRORS: Record<ApiErrorCode, Words> = {
  offline: '无法连接到服务器。',
  timeout: '服务器没有及时响应。',
  aborted: '已放弃。',
  bad_reply: '服务器的答复无法理解。',
  bad_directory: (params) => `文件夹${path(params)}不可用。请输入以“/”开头的完整路径，或选择其他文件夹。`,
  bad_framing: `请求格式有误。${RELOAD}`,
  bad_hello: `页面版本不同。${RELOAD}`,
  bad_host: '请求的主机名有误。',
  bad_json: `请求格式有误。${RELOAD}`,
  bad_message: '消息中含有不允许的字符。',
  bad_path: '这个路径无效。',
  bad_request: ({ field }) => (field ? '此项的值无效。' : '请求无效。'),
  bad_target: '地址无效。',
  bad_version: `版本不兼容。${RELOAD}`,
  no_password: '请输入密码。',
  no_tasks: '没有等待运行的任务。请添加任务，或重置已结束的任务。',
  not_a_folder: '这不是文件夹。',
  upgrade_with_body: '请求格式有误。',
  device_refused: '未能确认这台设备，请重新登录。',
  device_unknown: '这台设备已被退出，请重新登录。',
  login_required: '请重新登录。',
  other_user: '只有运行此服务器的用户才能使用。',
  pair_code_gone: '配对码已失效或已被使用，请重新生成。',
  passkey_refused: '通行密钥未被接受。',
  unauthorized: '请重新登录。',
  unknown_user: '无法确定是哪个用户发起的连接。',
  wrong_password: '密码错误。',
  client_unknown: '无法确定是谁发起的连接。',
  folder_closed: '运行服务器的用户无权打开此文件或文件夹。',
  host_refused: '不允许使用此地址访问。',
  https_required: '需要通过 https 访问。',
  local_only: '只有运行此服务的用户在本机上的程序才能执行此操作。',
  origin_missing: '请求没有说明来源页面。',
  origin_refused: '不允许从该页面发起请求。',
  outside_roots: '该位置不在允许的文件夹之内。',
  proof_required: '请确认您的身份。',
  proxy_not_trusted: '前面的代理服务器不受信任。',
  step_up_required: '请先用通行密钥确认。',
  no_change: '该文件已没有更改。',
  no_device: '没有这台设备。',
  no_folder: '没有这个文件夹。',
  no_machine: '没有这台机器。',
  no_passkey: '没有这个通行密钥。',
  no_root: '允许显示的文件夹都不存在。',
  no_schedule: '计划中没有这一项。',
  no_session: '没有这个登录。',
  no_task: '没有这个任务。',
  no_template: '没有这个模板。',
  no_terminal: '没有这个终端。',
  no_upload: '没有这个上传，请重新开始。',
  not_found: '找不到所请求的内容，它可能已被删除。',
  method_not_allowed: '此地址不支持该操作。',
  agent_busy: '代理正在工作，请先停止它或稍后再试。',
  already_decided: ({ by }) => `${present(by, (who) => `${device(String(who))} `)}已经做出决定。`,
  already_sent: '代理已经收到这条消息，如需停止请中断它。',
  budget_reached: '今天的预算已用完。请在设置中提高预算，或明天继续。',
  base_busy: ({ base }) => `${present(base, (name) => `${name} `)}正在进行合并或变基。完成后再合并。`,
  base_dirty: (params) =>
    `${present(params.base, (name) => `${name} `)}已在${path(params)}检出，且有未提交的更改${
      files(params)
    }。请先提交或贮藏，再合并。`,
  cancelled: '已取消。',
  changed: '该文件在此期间已被更改。请重新加载后再试。',
  file_exists: '已有同名文件。',
  filter_ignored: (params) =>
    `这些文件要经过仅由此仓库定义的程序，服务器不会运行它们${files(params)}。请在终端中用 git 完成。`,
  folder_gone: (params) => `文件夹${path(params)}已不存在。`,
  gh_failed: (params) => `gh 无法查看该仓库，没有推送任何内容${reason(params)}`,
  gh_signed_out: (params) => `这台机器上的 gh 尚未登录：请在终端中运行 gh auth login${reason(params)}`,
  git_failed: (params) => `git 未能完成${reason(params)}`,
  installing: '正在安装，请等待完成。',
  instructions_unusable: '无法在此编辑说明文件。',
  merge_conflict: (params) =>
    `${present(params.branch, (name) => `${name} 与 `)}${present(params.base, (name) => `${name} `)}更改了相同的行${
      files(params)
    }。没有合并任何内容。请让代理解决冲突，再合并。`,
  merge_failed: (params) =>
    params.files
      ? `这些文件不在 git 中，合并会覆盖它们${files(params)}。请移走后再合并。没有合并任何内容。`
      : `git 未能合并${reason(params)}`,
  nested_repository: (params) => `里面有独立的仓库${files(params)}。没有做任何更改。`,
  no_base: ({ base }) => `目标分支${present(base, (name) => ` ${name} `)}已不存在，请用 git 合并到您选择的分支。`,
  no_branch: ({ branch }) => `分支${present(branch, (name) => ` ${name} `)}没有提交，没有可合并的内容。`,
  no_checkpoint: (params) => `无法将文件恢复到这条消息之前${reason(params)}。`,
  no_commit: (params) => `仓库${path(params)}还没有提交，无法创建工作树。请先提交，或选择直接在文件夹中工作。`,
  no_gh:
    '这台机器上没有安装用于创建拉取请求的程序 gh。请安装（https://cli.github.com）并用 `gh auth login` 登录，或推送分支后在网页上创建。',
  no_pull_requests: ({ remote }) =>
    `${present(remote, (name) => `${name} `)}不在 gh 支持的主机上，没有拉取请求。请推送分支，并在那里请求合并。`,
  fork_not_begun: '请先向这个副本发送一条消息，然后再打开终端。',
  no_fork_point: '无法从这条消息分叉：代理程序没有记录这个位置，或此前的对话已被压缩。请选择较后的消息。',
  no_remote: '此仓库没有可推送的远程仓库。请在终端中添加：git remote add origin <地址>。',
  pull_request_failed: (params) => `分支已推送，但 gh 未能创建拉取请求${reason(params)}`,
  push_by_hand: (params) => `这些文件由 Git LFS 的钩子上传，而服务器不运行钩子${files(params)}。请在终端中推送。`,
  push_refused: (params) => `${present(params.remote, (name) => `${name} `)}未接受推送${reason(params)}`,
  remote_refused: ({ remote }) =>
    `服务器不会推送到${
      present(remote, (name) => ` ${name} `)
    }的地址：仅支持 https、http、ssh 或裸仓库的绝对路径。请在终端中推送。`,
  remote_signed_out: (params) =>
    `${
      present(params.remote, (name) => `${name} `)
    }需要登录，而这里无人可以输入。请先在终端中登录（在那里 git push，或运行 gh auth login 和 gh auth setup-git）${
      reason(params)
    }`,
  no_preview_origin: '预览需要单独的地址，而这里没有设置。',
  port_closed: '该端口上没有程序在监听。',
  port_refused: '此端口不能预览。',
  no_recipient: '请先保存此渠道的地址。',
  no_repository: '该文件夹不是 git 仓库。',
  no_worktree: '此代理直接在文件夹中工作，请用 git 处理。',
  node_too_old: '这台机器上的 Node 版本过旧，没有安装任何内容。',
  not_a_file: '这不是有内容的文件。',
  not_a_worktree: (params) => `${path(params)}不是代理的工作树。`,
  not_removable: '有文件无法删除。请自行删除后再试。',
  not_running: '代理没有运行。',
  not_whole: '请求的一部分过大，无法完整显示，因此不能在此允许，只能拒绝。',
  other_branch: (params) => `${path(params)}检出的不是代理的分支${present(params.branch, (name) => ` ${name}`)}。`,
  other_provider: '此代理使用另一种程序。',
  repository_unusable: (params) => `git 无法使用${path(params)}的仓库${reason(params)}`,
  desk_busy: '它正在终端中工作或等待回答。什么也没有做：稍后再接管，或打断它。',
  desk_stays: '终端中的程序没有结束。请在那里结束它，然后在这里继续。',
  session_in_use: ({ name }) =>
    name ? `会话已在“${name}”中打开。请在那里继续，或复制会话。` : '会话已被其他程序打开。请关闭它，或复制会话。',
  settings_unusable: 'Claude Code 的设置文件无法使用，因此没有做任何更改。请先修正该文件。',
  step_up_on: '确认功能开启时，需要保留最后一个通行密钥。',
  task_begun: '只有尚未开始的任务才能更改，请先重置。',
  task_changed: '任务在此期间已被更改。',
  task_runs: '任务正在运行，请先停止它的代理。',
  too_many: (params) => `数量已达上限${limit(params)}，请先删除一些。`,
  too_many_agents: (params) => `代理数量已达上限${limit(params)}，请先删除一些。`,
  too_many_terminals: (params) => `终端数量已达上限${limit(params)}，请先关闭一个。`,
  uncommitted: (params) => `合并前请先提交或丢弃这些更改${files(params)}。`,
  unmerged_work: ({ work }) =>
    `删除此代理会丢失工作${present(work, (lines) => `：${String(lines).split('\n').map(sentence).join(' ')}`)}`,
  unresolved: (params) => `请先解决冲突${files(params)}。`,
  worktree_busy: (params) => `工作树${path(params)}中有操作正在进行。请让代理完成后再试。`,
  worktree_failed: (params) => `无法创建工作树${reason(params)} 请解决该问题，或选择直接在文件夹中工作。`,
  worktree_in_use: '还有其他代理或终端在此工作树中，请先删除或关闭。',
  worktree_locked: (params) => `工作树已被锁定${reason(params)}。`,
  wrong_offset: '上传中断，将重新开始。',
  wrong_repository: '工作树不可用，没有做任何更改。',
  agent_gone: '该代理已被删除。',
  message_gone: '这条消息已不再保留。',
  request_gone: '代理不再需要此答复：它已结束、被中断或已继续。',
  too_large: '内容过大。',
  encoding_unsupported: '不支持这种编码。',
  not_json: `请求格式有误。${RELOAD}`,
  expectation_failed: '请求格式有误。',
  host_unknown: '没有这个主机。',
  tunnel_version: '机器与中继的版本不兼容。',
  too_many_tries: `密码错误次数过多。${LATER}`,
  too_many_tunnels: `连接过多。${LATER}`,
  too_many_unfinished: '登录没有完成，请重新发送。',
  head_too_large: '请求过大。',
  too_many_fields: '请求过大。',
  internal: '服务器出错，原因见其日志。',
  terminal_failed: (params) => `无法启动终端${reason(params)}`,
  bad_answer: '机器的答复无法理解。',
  install_failed: (params) => `安装失败${reason(params)}`,
  not_sent: (params) => `未能发送${reason(params)}`,
  tunnel_down: '机器不在线，恢复后即可使用。',
  tunnel_lost: '与机器的连接中断，请重试。',
  busy: `服务器正忙。${LATER}`,
  certificate_pending: `正在获取证书。${LATER}`,
  closing: '服务器正在关闭，请稍后再发送。',
  no_terminals: '终端不可用。',
  not_built: '面板尚未构建。',
  storage_locked: '数据正被其他服务器使用。',
  too_many_clients: '打开的面板过多，请关闭一些。',
  too_many_requests: `请求过多。${LATER}`,
  too_many_streams: `请求过多。${LATER}`,
  too_many_viewers: '显示此终端的页面过多。',
  folder_slow: '该文件夹没有响应，磁盘或网络可能已断开。',
  machine_slow: '机器没有及时响应。',
  not_saved: '无法保存：机器的磁盘可能已满或不可写。',
  sign_out_not_saved: '退出登录未能保存，请重试。',
};

/** undefined: a code of a newer server. */
export function error(code: string, params: ErrorParams): string | undefined {
  const words = Object.hasOwn(ERRORS, code) ? ERRORS[code as ApiErrorCode] : undefined;
  return typeof words === 'function' ? words(params) : words;
}
