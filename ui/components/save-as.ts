/** Lets the browser fetch an address and save what comes; its own progress is shown. */
export function saveAs(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
