/** Has the browser save a text that only this page knows. */
export function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it only after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
