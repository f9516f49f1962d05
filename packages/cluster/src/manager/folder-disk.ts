import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Joins a disk that is a folder, as machines of folders have them, to the place `at` where the hub keeps its data.
 * @returns whether anything is on it.
 */
export function linkFolderDisk(folder: string, at: string): { isBlank: boolean } {
  mkdirSync(dirname(at), { recursive: true });
  const there = lstatSync(at, { throwIfNoEntry: false });
  if (there?.isDirectory()) rmdirSync(at);
  if (!there?.isSymbolicLink()) symlinkSync(folder, at);
  else if (readlinkSync(at) !== folder) throw new Error(`${at} leads to ${readlinkSync(at)}, not to ${folder}`);
  return { isBlank: readdirSync(folder).length === 0 };
}
