/** The page that asks what kind of server to start. */
export const choose = {
  choose: {
    title: 'Start',
    heading: (label: string) => `Start ${label}`,
    which: 'What kind?',
    perHour: (amount: string) => `${amount} an hour`,
    priceUnknown: 'price unknown',
    hint: 'Your home folder is the same, whichever you choose, and you can choose another one at the next start.',
    none: 'Nothing of this can be started now. Ask your administrator.',
    start: (label: string) => `Start ${label}`,
    back: 'Not now',
    another: 'Choose another kind',
  },
} as const;
