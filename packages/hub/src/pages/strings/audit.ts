/** The page of the audit trail. */
export const audit = {
  audit: {
    title: 'Audit trail',
    link: 'Audit trail',
    text: (days: number) =>
      days === 0
        ? 'Who did what to whom. Entries are kept for ever.'
        : `Who did what to whom. Entries are kept for ${days === 1 ? '1 day' : `${days} days`}.`,
    search: 'Search',
    user: 'Person',
    userHint: 'Who did it, or to whom it was done.',
    action: 'What was done',
    actionHint: 'server.start, or server for everything about servers.',
    words: 'Anything else',
    since: 'From (UTC)',
    until: 'Until (UTC)',
    show: 'Show',
    csv: 'Download as CSV',
    none: 'Nothing that fits is in the audit trail.',
    when: 'When',
    who: 'Who',
    what: 'What',
    whom: 'To whom',
    from: 'From where',
    detail: 'Detail',
    kinds: {
      operator: 'the operator',
      hub: 'the hub itself',
      nobody: 'nobody signed in',
    } as Record<string, string>,
    service: (name: string) => `service ${name}`,
    byToken: (id: string) => `with token ${id}`,
    bySession: 'signed in by browser',
    byLogin: 'while signing in',
    byCommand: 'on the command line',
    of: (kind: string, name: string) => `${kind} ${name}`,
    request: (id: string) => `request ${id}`,
    older: 'Older entries',
    newest: 'Newest entries',
    badDate: 'Write days as 2026-11-21.',
  },
} as const;
