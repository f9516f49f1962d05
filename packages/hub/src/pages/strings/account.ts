/** Signing in, accounts, permissions, tokens. */
export const account = {
  signIn: {
    title: 'Sign in',
    heading: (brand: string) => `Sign in to ${brand}`,
    button: 'Sign in',
    trouble: 'Trouble signing in?',
    contact: (contact: string) => `Ask ${contact}.`,
    contactDefault: 'Ask an administrator of this hub for a link to set a new password.',
    contactElsewhere: 'Ask an administrator of this hub.',
    signUp: 'Create an account',
    askForAccount: 'Ask for an account',
    lockedTitle: 'Too many tries',
    locked: (when: string) => `Try again ${when}.`,
  },

  signUp: {
    title: 'Create an account',
    askTitle: 'Ask for an account',
    approval: 'An administrator looks at each request. You can sign in once yours is approved.',
    button: 'Create my account',
    askButton: 'Send my request',
    haveOne: 'You have an account?',
    done: 'Your account is ready',
    doneText: (name: string) => `Sign in as ${name} with the password you chose.`,
    asked: 'Your request is on its way',
    askedText: (name: string) =>
      `An administrator has to approve the account ${name}. Until then signing in tells you that it is waiting.`,
  },

  firstAdmin: {
    title: 'Create the administrator account',
    heading: (brand: string) => `Welcome to ${brand}`,
    text: 'Create the account of the first administrator. This link works once and only while there is none.',
    nameHint: 'Lower-case letters and digits are easiest to type.',
    button: 'Create the account',
  },

  reset: {
    title: 'Set a new password',
    text: (name: string) => `This sets the password of ${name} and signs that account out everywhere else.`,
    button: 'Set the password',
  },

  linkGone: {
    title: 'This link no longer works',
    reset: 'It was used already or has expired. Ask your administrator for a new one.',
    firstAdmin:
      'It was used already, has expired, or there is an administrator by now. The hub prints a fresh link when it starts without one.',
  },

  changePassword: {
    title: 'Change password',
    done: 'Your password is changed.',
    button: 'Change my password',
    others: 'Your other browsers are signed out. Servers go on running.',
  },

  notAllowed: {
    title: 'You may not use this hub yet',
    ask: (contact: string, name: string) => `Ask ${contact} to allow the account ${name}.`,
    askDefault: (name: string) => `Ask an administrator of this hub to allow the account ${name}.`,
    other: 'Sign in as somebody else',
    rules: 'Which rules were looked at',
    rule: 'Rule',
    outcome: 'Says',
    because: 'Because',
    outcomes: { allows: 'allows', denies: 'refuses', silent: 'says nothing' },
  },

  signedOut: {
    title: 'You are signed out',
    text: 'Servers that are running go on until they are idle for a while.',
    again: 'Sign in again',
  },

  consent: {
    title: 'Allow access',
    heading: (client: string) => `Allow ${client} to use your account?`,
    intro: (client: string, name: string) => `You are signed in as ${name}. ${client} asks to:`,
    allow: 'Allow',
    deny: 'Do not allow',
    after: 'Afterwards you are sent to',
    details: 'Details: the names of these permissions',
  },

  tokens: {
    title: 'Tokens',
    intro: 'A token lets a program act for you. Treat it like a password, and give each program one of its own.',
    yours: 'Your tokens',
    none: 'You have none.',
    noNote: 'Without a note',
    may: (list: string) => `May ${list}.`,
    onlyWho: 'Only say who I am',
    used: 'Last used',
    neverUsed: 'Never used',
    made: 'made',
    ends: 'ends',
    noEnd: 'never ends',
    revoke: 'Revoke',
    revokeAsk: 'Revoke this token? Programs that use it stop working at once. This cannot be undone.',
    revoked: 'The token is revoked.',
    badPower: 'Choose what the token may do.',
    serverOf: (name: string) => `The server of ${name}`,
    create: 'Make a token',
    note: 'Note',
    noteHint: 'What it is for, so that you recognise it later.',
    lifetime: 'Works for',
    forEver: 'as long as I do not revoke it',
    days: (count: number) => (count === 1 ? '1 day' : `${count} days`),
    power: 'What it may do',
    everything: 'Everything I may do',
    servers: 'Start, stop and use my servers',
    listed: 'What I list here:',
    scopes: 'Scopes',
    scopesHint: 'Only for the last choice. Scope names, separated by spaces, such as read:users!user.',
    button: 'Make the token',
    fresh: (note: string) => `Your new token: ${note}`,
    once: 'Copy it now. It is not shown again.',
    freshLabel: 'The new token',
    applications: 'Applications',
    applicationsText: 'These may act for you because you signed in to them. They ask again when you revoke them.',
  },
} as const;
