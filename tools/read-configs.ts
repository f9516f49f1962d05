import { readConfig } from '../packages/atrium/src/files/config-file.ts';

/*
 * Reads the configuration files named on the command line as the command would, and prints the problems as JSON, by file.
 * A process of its own, because a test runner's module hooks and ours get in each other's way.
 */
const problems: Record<string, string> = {};
for (const file of process.argv.slice(2)) {
  await readConfig(file, {}).catch((error: Error) => {
    problems[file] = error.message;
  });
}
process.stdout.write(JSON.stringify(problems));
