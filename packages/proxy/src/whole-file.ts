import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes a file with mode 0600, whole or not at all.
 * @param check looks at what was written before it takes its place; nothing changes when it rejects
 */
export async function writeWhole(
  path: string,
  text: string,
  check?: (draft: string) => Promise<unknown>,
): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await check?.(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}
