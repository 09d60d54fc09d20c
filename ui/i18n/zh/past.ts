/** Going back to an earlier message, in Chinese. */
import type { English } from '../en/english.ts';
import type { Translation } from '../en/translation.ts';

export const past: Translation<English> = {
  past: {
    menu: '回到此处',
    fork: '从此处分叉…',
    rewind: '将文件恢复到此处…',
    forkTitle: '从此处分叉？',
    forkAfter: '新的代理将以此处之前（含此处）的对话副本继续。',
    forkBefore: '新的代理将以这条消息之前的对话副本继续，您可以修改这条消息。',
    forkWorktree: (branch: string) =>
      `它在新的工作树中工作，起始文件与 ${branch} 现在的文件相同，包括未提交的更改。当前代理保持不变。`,
    forkFolder: (place: string) => `它在同一文件夹 ${place} 中工作：两个代理会修改相同的文件。当前代理保持不变。`,
    forkAction: '分叉',
    rewindTitle: '将文件恢复到这条消息',
    rewindText: '以下文件将恢复到这条消息之前的状态。命令写入的文件保持不变。',
    rewindNone: '自这条消息以来代理没有编辑过文件，或文件已是之前的状态。',
    changedSince: '在代理最后一次编辑之后被更改',
    handWork: (n: number) => `有 ${n} 个文件在代理最后一次编辑之后被您或命令更改：这些更改也会丢失。`,
    more: (n: number) => `以及另外 ${n} 个`,
    lines: (more: number, less: number) => `+${more} −${less} 行`,
    rewindAction: (n: number) => `恢复 ${n} 个文件`,
    rewound: (n: number) => `已恢复 ${n} 个文件。`,
    final: '此操作无法撤销。',
  },
};
