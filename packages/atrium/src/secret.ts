import { readFileSync } from 'node:fs';
import { ConfigError } from '@atrium/hub/config';
import { Secret } from '@atrium/sdk';

/** On the manager of a cluster: whoever ran `atrium cluster up` had it, and the hub may not need it. */
class ElsewhereSecret extends Secret {
  readonly #problem: ConfigError;

  constructor(problem: ConfigError, origin: string) {
    super('', origin);
    this.#problem = problem;
  }

  override reveal(): string {
    throw this.#problem;
  }
}

/** @throws ConfigError, at once where the configuration is at home, else when the value is used. */
function missing(problem: ConfigError, origin: string): Secret {
  const { ATRIUM_CLUSTER_FACTS: isManager } = process.env;
  if (!isManager) throw problem;
  return new ElsewhereSecret(problem, origin);
}

/** Values that stand outside the configuration file and are never printed. */
export const secret = {
  /** From an environment variable of the process that runs `atrium`. */
  env(name: string): Secret {
    const text = process.env[name];
    if (!text) {
      const problem = new ConfigError([`secret.env('${name}'): the environment variable ${name} is not set`]);
      return missing(problem, `env ${name}`);
    }
    return new Secret(text, `env ${name}`);
  },

  /** From a file; the line end at its end does not count. */
  file(path: string): Secret {
    let text: string;
    try {
      text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (cause) {
      return missing(new ConfigError([`secret.file('${path}'): ${(cause as Error).message}`]), `file ${path}`);
    }
    if (text === '') throw new ConfigError([`secret.file('${path}'): the file is empty`]);
    return new Secret(text, `file ${path}`);
  },
};
