/** Text as a YAML scalar: a literal block where it has lines, so that a person can read it; JSON otherwise, which YAML contains. */
function scalar(value: string, indent: string): string {
  const lines = value.split('\n');
  const plain =
    value.endsWith('\n') && lines.length > 2 && lines.every((line) => /^[\x20-\x7e]*$/.test(line) && !/ $/.test(line));
  if (!plain || value.startsWith(' ') || value.startsWith('\n') || value.endsWith('\n\n'))
    return ` ${JSON.stringify(value)}`;
  return ` |\n${lines
    .slice(0, -1)
    .map((line) => (line ? indent + line : ''))
    .join('\n')}`;
}

export interface WrittenFile {
  path: string;
  content: string;
  /** Four octal digits. */
  permissions: string;
}

/** A `#cloud-config` document of files and commands. */
export function cloudConfig(files: readonly WrittenFile[], commands: readonly (readonly string[])[]): string {
  const written = files.map(
    ({ path, content, permissions }) =>
      `  - path: ${JSON.stringify(path)}\n    owner: "root:root"\n    permissions: "${permissions}"\n    content:${scalar(content, '      ')}\n`,
  );
  const run = commands.map((argv) => `  - ${JSON.stringify(argv)}\n`);
  return `#cloud-config\nwrite_files:\n${written.join('')}runcmd:\n${run.join('')}`;
}
