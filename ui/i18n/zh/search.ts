/** The search over all conversations in Chinese. */
import type { English } from '../en/english.ts';
import type { Translation } from '../en/translation.ts';

export const search: Translation<English> = {
  search: {
    title: '搜索',
    field: '搜索所有对话',
    begin: '查找对话',
    beginText: '列出所有代理中包含全部关键词的消息。"引号" 中的内容按原样查找。',
    short: '请至少输入两个字符（中文一个即可）',
    none: '没有找到',
    noneText: '请减少或更换关键词。工具的输出不在搜索范围内。',
    more: '显示更多',
    found: (n: number) => `找到 ${n} 条消息`,
    indexing: (n: number, of: number) => `正在建立索引：已搜索 ${of} 个对话中的 ${n} 个。`,
    partly: (n: number, of: number) => `已搜索 ${of} 个对话中的 ${n} 个。`,
    tooOld: '代理服务器版本较旧，无法搜索。请更新。',
    gone: '这条消息已不再保留。',
    kinds: { user: '你', text: '代理', tool: '工具', notice: '通知' },
    inAll: (text: string) => `搜索所有对话：${text}`,
  },
};
