/** Sessions that run in a terminal, in Chinese. */
import type { English } from '../en/english.ts';
import type { Translation } from '../en/translation.ts';

export const handoff: Translation<English> = {
  handoff: {
    title: '在电脑前',
    open: '跟读',
    untitled: '未命名的会话',
    status: { idle: '就绪', busy: '工作中', waiting: '需要你' },
    waitsFor: (what: string) => `在电脑前等待：${what}`,
    waits: { 'permission prompt': '授权', 'input needed': '回答' },
    background: '在后台',
    isHere: '在此面板的终端中',
    others: (n: number) => `另有 ${n} 个程序打开了同一会话：彼此会丢失对方的内容。`,
    readOnly: '只读：此会话在终端中运行。',
    readOnlyBackground: '只读：此会话在后台运行。要在终端中打开，请输入：',
    since: '开始于',
    openAtDesk: '此会话正在终端中打开。它在那里结束或被接管后，才能在这里发送消息。',
    takeOver: '接管',
    take: {
      title: '接管',
      explained: '终端中的程序会被结束，对话在这里的同一文件夹中继续。之后可以交还给终端。',
      atWork: '它正在工作。请等它就绪，或打断它：正在写的回答会丢失，已做的会保留。',
      waiting: '正在等它就绪。请保持此窗口打开。',
      action: '接管',
      wait: '等待并接管',
      interrupt: '打断并接管',
    },
    giveBack: {
      title: '交还给终端',
      explained: '代理在这里结束，其会话在机器的终端中继续。终端离开会话后，发一条消息即可在这里继续。',
      action: '交还',
      done: '要在终端中继续，请输入：',
    },
    hooks: {
      title: '终端中的会话',
      intro:
        'Claude Code 在终端中提出的请求也可以在这里答复：以先到的答复为准，另一侧的请求随即消失。其设置中的钩子会把请求带到这里。',
      states: { on: '开启', outdated: '已过时', off: '关闭' },
      install: '写入钩子',
      renew: '更新钩子',
      remove: '移除钩子',
      installTitle: '在这里答复终端？',
      installText: (file: string) =>
        `将在 ${file} 中添加三个钩子，其余内容保持不变。此后开始的会话也会在这里提问。移除钩子不留痕迹。`,
      own: '由命令行开始的会话',
      choices: { ask: '在终端中询问一次', on: '也在这里提问', off: '只在终端中提问' },
    },
    gone: '此会话已结束',
    goneText: '它不再在终端中运行。可在会话列表中继续。',
    sessions: '会话',
    empty: '还没有内容',
  },
};
