/** 预览代理所提供的页面。 */
import type { Translation } from '../en/translation.ts';
import type { previews as english } from '../en/previews.ts';

export const previews: Translation<typeof english> = {
  previews: {
    title: '预览',
    label: '此代理提供的页面',
    port: (port: number) => `localhost:${port}`,
    chip: (port: number, open: boolean) => `localhost:${port} 的预览${open ? '，已打开' : ''}`,
    other: '其他端口',
    text: '预览会在单独的地址上显示在此机器上运行的页面。只有在这里打开它的人才能看到。',
    none: '此代理目前没有程序在监听端口。',
    open: '打开预览',
    openAgain: '显示',
    close: '关闭',
    closeLabel: (port: number) => `关闭 localhost:${port} 的预览`,
    openLabel: (port: number) => `打开 localhost:${port} 的预览`,
    until: (time: string) => `打开至 ${time}`,
    program: (name: string) => `程序：${name}`,
    enter: '端口',
    enterHint: '程序输出中“localhost:”后面的数字。',
    wrong: '请输入 1 到 65535 之间的数字。',
    ready: '浏览器没有打开新标签页。页面在一分钟内可用：',
    show: '显示页面',
    closed: '预览已关闭。',
  },
};
