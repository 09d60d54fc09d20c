/** What the service worker says on notifications, in Chinese. */
import type { Notifications } from '../en/notifications.ts';

const deviceName = (name: string | number = ''): string => {
  const parts = /^([\w ]+) on (\w+)$/.exec(String(name));
  if (parts) return `${parts[2]} 上的 ${parts[1]}`;
  return name === 'this machine' ? '本机' : String(name);
};

export const notifications: Notifications = {
  said: {
    needs_you: ({ name }) => `${name} 需要您`,
    agent_needs_you: () => '有代理需要您',
    failed: ({ name }) => `${name} 失败`,
    finished: ({ name }) => `${name} 已完成`,
    limit_reached: ({ name, provider }) => `${name}：${provider} 已达到限额`,
    limit_over: ({ provider }) => `${provider} 的限额已重置`,
    limit_over_text: () => '等待限额的代理可以继续了。',
    task_failed: ({ name }) => `任务“${name}”失败`,
    task_stuck: ({ name }) => `任务“${name}”停滞不前`,
    stuck_waits: ({ minutes }) => `它的代理已等待您 ${minutes} 分钟。`,
    stuck_silent: ({ minutes }) => `它的代理已有 ${minutes} 分钟没有动静。`,
    pipeline_failed: () => '流水线已结束，有任务失败',
    pipeline_complete: () => '流水线已完成',
    counts: ({ completed, failed, skipped }) =>
      [`完成 ${completed} 个`, failed && `失败 ${failed} 个`, skipped && `跳过 ${skipped} 个`].filter(Boolean).join(
        '，',
      ),
    agent_news: () => '有代理传来新消息',
    pipeline_news: () => '流水线有新消息',
    allowed: ({ by }) => `已由 ${deviceName(by)} 允许`,
    denied: ({ by }) => `已由 ${deviceName(by)} 拒绝`,
    answered: ({ by }) => `已由 ${deviceName(by)} 回答`,
    no_longer_asked: () => '不再询问',
    done: () => '已处理',
    test: () => '通知正常',
    test_text: () => '这台设备可以收到通知。',
  },
  unknown: '有事项需要您处理',
  openDashboard: '请打开控制台。',
  allow: '允许一次',
  deny: '拒绝',
  review: '查看',
  moreRequests: (n: number) => `还有 ${n} 个请求`,
  mine: { allowed: '已允许。', denied: '已拒绝。', answered: '已回答。' },
  theirs: {
    allowed: (by: string) => `已由 ${by} 允许。`,
    denied: (by: string) => `已由 ${by} 拒绝。`,
    answered: (by: string) => `已由 ${by} 回答。`,
  },
  gone: '太晚了：代理已不再询问。',
  login: '未发送：请在此设备上登录，之后会自动发送。',
  later: '没有网络：恢复后会立即发送。',
  refused: (_sentence: string, status: number) => `服务器拒绝了（${status}）。请打开控制台查看。`,
  device: deviceName,
};
