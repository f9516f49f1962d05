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
    repeatPassword: 'New password again',
    currentPassword: 'Current password',
    show: 'Show',
    hide: 'Hide',
    showPassword: 'Show the password',
    capsLock: 'Caps Lock is on.',
    copy: 'Copy',
    copied: 'Copied',
    problem: 'There is a problem',
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
