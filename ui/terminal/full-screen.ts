import { useEffect, useState } from '../html.ts';

/** The page's own full screen, and the browser's where it has one. */
export function useFullScreen(): [boolean, (on: boolean) => void] {
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    const left = () => !document.fullscreenElement && setFull(false);
    document.addEventListener('fullscreenchange', left);
    return () => {
      document.removeEventListener('fullscreenchange', left);
      if (document.fullscreenElement) void document.exitFullscreen();
    };
  }, []);
  return [isFull, (on) => {
    setFull(on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
  }];
}
