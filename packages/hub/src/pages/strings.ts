/**
 * Every string a person reads on a page, in English. A sentence with a value in it is a function, so that another
 * language can order it as it likes; nothing is put together from pieces.
 */
export const t = {
  documentTitle: (title: string, brand: string) => `${title} · ${brand}`,

  nav: {
    label: 'Main',
    skip: 'Skip to content',
    home: 'Home',
    tokens: 'Tokens',
    admin: 'Admin',
    help: 'Help',
    account: 'Account of',
    changePassword: 'Change password',
    signOut: 'Sign out',
  },
  theme: { light: 'Light colours', dark: 'Dark colours' },

  time: {
    utc: (text: string) => `${text} UTC`,
    length: (count: number, unit: 'd' | 'h' | 'min' | 's') => `${count} ${unit}`,
  },

  form: {
    name: 'Name',
    password: 'Password',
    newPassword: 'New password',
    currentPassword: 'Current password',
    show: 'Show',
    hide: 'Hide',
    showPassword: 'Show the password',
    passwordHint: 'Long is better than complicated: four or five unusual words are a good password.',
    capsLock: 'Caps Lock is on.',
    copy: 'Copy',
    copied: 'Copied',
  },

  signIn: {
    title: 'Sign in',
    heading: (brand: string) => `Sign in to ${brand}`,
    button: 'Sign in',
    trouble: 'Trouble signing in?',
    contact: (contact: string) => `Ask ${contact}.`,
    contactDefault: 'Ask an administrator of this hub for a link to set a new password.',
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

  error: {
    lostNothing: 'Nothing was lost.',
    forAdministrator: 'For the administrator',
    report: (status: number, code: string, requestId: string) => `${status} ${code} · request ${requestId}`,
    reportLabel: 'What to tell the administrator',
    contact: (contact: string) => `If it happens again, tell ${contact} this:`,
    contactDefault: 'If it happens again, tell your administrator this:',
    home: 'Go to my home page',
    signIn: 'Sign in',
    reload: 'Try again',
    titles: {
      400: 'That request cannot be understood',
      403: 'You may not do this',
      404: 'This page does not exist',
      405: 'This cannot be done here',
      409: 'Something of that name is already there',
      424: 'This server is not running',
      429: 'Too many tries',
      500: 'Something went wrong here',
      503: 'This is not available right now',
      507: 'The disk is full',
    } as Record<number, string>,
    otherClient: 'That did not work',
    otherServer: 'Something went wrong here',
    adviceClient: 'Go back and try again, or start from your home page.',
    adviceServer: 'Try again in a moment. Servers that are running keep running.',
    adviceGone: 'Check the address, or start from your home page.',
  },
} as const;
