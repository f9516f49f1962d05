/** Around every page, forms, times, errors. */
export const frame = {
  documentTitle: (title: string, brand: string) => `${title} · ${brand}`,

  nav: {
    label: 'Main',
    skip: 'Skip to content',
    home: 'Home',
    tokens: 'Tokens',
    admin: 'Admin',
    services: 'Services',
    help: 'Help',
    account: 'Account of',
    changePassword: 'Change password',
    signOut: 'Sign out',
  },

  announcement: {
    all: 'Announcements',
    important: 'Important:',
    putAway: 'Put away',
    putAwayWhich: 'this announcement',
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
      413: 'That is too large',
      424: 'This server is not running',
      429: 'Too many tries',
      500: 'Something went wrong here',
      503: 'This is not available right now',
      507: 'The disk is full',
    } as Record<number, string>,
    /** In place of messages that are made for programs, by their code. */
    byCode: {
      xsrf: 'The form has expired, or it did not come from a page of this hub. Load the page again and send it once more.',
      scope_missing: 'Your account has no permission for this.',
      too_many_starts: 'Many servers are starting here right now. Try again in a minute.',
      too_many_servers: 'As many servers run here as this hub allows. Try again in a few minutes.',
      redirect_loop: 'Your server runs, but the way to it is not open yet. Wait a moment and try again.',
      method_not_allowed: 'This address does not do that.',
    } as Record<string, string>,
    notYours: 'There is nothing here, or it is not yours to see.',
    otherClient: 'That did not work',
    otherServer: 'Something went wrong here',
    adviceClient: 'Go back and try again, or start from your home page.',
    adviceServer: 'Try again in a moment. Servers that are running keep running.',
    adviceGone: 'Check the address, or start from your home page.',
  },
} as const;
