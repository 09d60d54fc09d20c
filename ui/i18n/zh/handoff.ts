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
    gone: '此会话已结束',
    goneText: '它不再在终端中运行。可在会话列表中继续。',
    sessions: '会话',
    empty: '还没有内容',
  },
};
