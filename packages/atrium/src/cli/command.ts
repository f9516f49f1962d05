import type { ParseArgsOptionDescriptor } from 'node:util';

/** One option of a command: what `parseArgs` needs and what the help shows. */
export interface Option extends ParseArgsOptionDescriptor {
  type: 'string' | 'boolean';
  /** What stands for the value in the help: `<seconds>`. */
  value?: string;
  summary: string;
}

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { multiple: true }
  ? string[] | undefined
  : O['type'] extends 'boolean'
    ? boolean | undefined
    : O extends { default: string }
      ? string
      : string | undefined;

export type Values<O extends Options> = { [Name in keyof O]: ValueOf<O[Name]> };

/** What a command tells: `json` for programs, `text` for people. Nothing else reaches standard output. */
export interface Answer {
  json: unknown;
  text: string;
  /** 1 when the answer itself is bad news (`atrium status` when nothing runs), 2 when it is worse. Default 0. */
  exitCode?: 0 | 1 | 2 | 3;
}

/** What a command may reach beside its arguments. */
export interface Terminal {
  /** A sentence for the person, on standard error. */
  say(text: string): void;
  /** Part of the answer before its end (`atrium up` answers when it is ready, and runs on). */
  answer(answer: Answer): void;
  readonly json: boolean;
}

export interface Invocation<O extends Options> {
  args: readonly string[];
  values: Values<O> & GlobalValues;
}

export interface Command<O extends Options = Options> {
  /** `up`, `user add`. */
  name: string;
  usage: string;
  summary: string;
  /** More than the summary says: for the help and the reference page. */
  details?: string;
  /** How many arguments without a dash it takes. Default none. */
  positionals?: { min: number; max: number };
  options: O;
  run(invocation: Invocation<O>, terminal: Terminal): Promise<Answer | undefined>;
}

/** A command is data plus `run`: help text and reference page are made from the data. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command; // whoever holds a list of commands parses options with their own declaration
}

/** The command line cannot be read as anything. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something a person can mend: shown without a stack. Exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Options that every command takes. */
export const GLOBAL_OPTIONS = {
  'data-dir': { type: 'string', value: '<folder>', summary: 'Where everything that lasts is kept' },
  config: { type: 'string', short: 'f', value: '<file>', summary: 'The configuration file' },
  json: { type: 'boolean', summary: 'Answer in JSON' },
  help: { type: 'boolean', short: 'h', summary: 'Show this help' },
} as const satisfies Options;

export type GlobalValues = Values<typeof GLOBAL_OPTIONS>;
