import { useBack } from '../back.ts';
import { useEffect, useState } from '../html.ts';

/** The page's own full screen, and the browser's where it has one. Back ends it. */
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
  function change(on: boolean): void {
    setFull(on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
  }
  useBack(() => change(false), isFull);
  return [isFull, change];
}
