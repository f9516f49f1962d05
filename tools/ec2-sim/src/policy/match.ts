const LITERAL = /[.+^${}()|[\]\\]/g;

/** Whether `text` fits a pattern with `*` and `?`. */
export function matches(pattern: string, text: string, options: { ignoreCase?: boolean } = {}): boolean {
  const source = pattern.replace(LITERAL, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${source}$`, options.ignoreCase ? 'is' : 's').test(text);
}

/** ARNs are compared part by part: a wildcard does not reach over a colon, save in the last part. */
export function matchesArn(pattern: string, arn: string): boolean {
  const split = (text: string): string[] => {
    const parts = text.split(':');
    return [...parts.slice(0, 5), parts.slice(5).join(':')];
  };
  if (!arn.startsWith('arn:') || !pattern.startsWith('arn:')) return false;
  const parts = split(arn);
  return split(pattern).every((part, index) => matches(part, parts[index] ?? ''));
}

/** Puts the call's values for `${aws:…}` into a policy's text; undefined when a key has no single value. */
export function withVariables(text: string, lookup: (key: string) => string[] | undefined): string | undefined {
  let missing = false;
  const filled = text.replace(/\$\{([^}]+)\}/g, (_, key: string) => {
    // `${*}` is a literal star; no text of ours holds one, so it is kept as a wildcard that matches it.
    if (key === '*' || key === '?' || key === '$') return key;
    const values = lookup(key);
    if (values?.length !== 1) missing = true;
    return values?.[0] ?? '';
  });
  return missing ? undefined : filled;
}
