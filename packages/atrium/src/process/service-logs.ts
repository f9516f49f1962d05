import { join } from 'node:path';
import { LogFile } from './log-file.ts';

/** What services write, each into `service-<name>.log`. */
export function serviceLogs(dir: string): { write(name: string, text: string): void } & Disposable {
  const files = new Map<string, LogFile>();
  return {
    write(name, text) {
      let file = files.get(name);
      if (!file) {
        file = new LogFile(join(dir, `service-${name}.log`));
        files.set(name, file);
      }
      file.write(text);
    },
    [Symbol.dispose]() {
      for (const file of files.values()) file.flush();
    },
  };
}
