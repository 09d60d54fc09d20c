/** Speaking instead of typing, in Chinese. */
import type { Translation } from '../en/translation.ts';
import type { English } from '../en/english.ts';

export const dictation: Translation<English> = {
  dictation: {
    start: '语音输入',
    stop: '停止语音输入',
    listening: '正在听。发送前请检查文字。',
    trouble: {
      unsupported: '此浏览器不支持语音输入。可使用手机键盘上的麦克风。',
      insecure: '语音输入需要 https：浏览器不允许此页面使用麦克风。',
      denied: '麦克风被禁止。请在浏览器设置中允许此网站使用。',
      network: '无法连接浏览器的语音服务。',
      microphone: '没有找到麦克风。',
      silence: '没有听到声音。',
      language: '浏览器不支持这种语言。',
      failed: '语音输入因错误结束。',
    },
  },
};
