/** Many machines at one relay, in Chinese. */
import type { Translation } from '../en/translation.ts';
import type { English } from '../en/english.ts';

export const machines: Translation<English> = {
  machines: {
    title: '机器',
    choose: '机器',
    away: '离线',
    awaySince: '离线于',
    connected: '已连接',
    connectedSince: '连接于',
    asOf: (time: string) => `截至 ${time}`,
    waiting: (n: number) => `${n} 条等待发送`,
    intro: '每台机器有各自的代理、终端、模板和设置。',
    none: '还没有机器',
    noneText: '添加第一台：在那台机器上输入一行命令即可加入。',
    add: '添加机器',
    addText: '在那台机器上输入这一行。十分钟内有效，只能加入一次。',
    picture: '包含下面这一行的二维码',
    copy: '复制这一行',
    copied: '已复制。',
    joined: (name: string) => `${name} 已加入。`,
    rename: '重命名',
    renameTitle: '重命名这台机器',
    nameHint: '留空则使用主机名。',
    remove: '撤销',
    confirmRemove: (name: string, isShared: boolean) => ({
      title: `撤销 ${name}？`,
      text: '它的连接立即断开，等待发送给它的内容会被丢弃。它的代理会在那台机器上继续工作。' +
        (isShared ? '它使用 RELAY_TOKEN：在中继上更换之前，它可能会再次连接。' : ''),
      action: '撤销',
    }),
    removed: (name: string) => `已撤销 ${name}。`,
    copyTo: (name: string) => `复制到 ${name}`,
    copiedTo: (name: string) => `已复制到 ${name}。`,
    copySettings: '复制设置',
    copySettingsText: '复制这里已保存的设置，不含这台机器的文件夹和程序。',
    confirmCopy: (name: string) => ({
      title: `把设置复制到 ${name}？`,
      text: '将替换那里的设置。',
      action: '复制',
    }),
  },
};
