import { readFileSync } from 'node:fs';
import { ConfigError } from '@atrium/hub/config';
import { Secret } from '@atrium/sdk';

/** Values that stand outside the configuration file and are never printed. */
export const secret = {
  /** From an environment variable of the process that runs `atrium`. */
  env(name: string): Secret {
    const text = process.env[name];
    if (!text) throw new ConfigError([`secret.env('${name}'): the environment variable ${name} is not set`]);
    return new Secret(text, `env ${name}`);
  },

  /** From a file; the line end at its end does not count. */
  file(path: string): Secret {
    let text: string;
    try {
      text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      throw new ConfigError([`secret.file('${path}'): ${(cause as Error).message}`]);
    }
    if (text === '') throw new ConfigError([`secret.file('${path}'): the file is empty`]);
    return new Secret(text, `file ${path}`);
  },
};
