/** The page that asks what kind of server to start. */
export const choose = {
  choose: {
    title: 'Start',
    heading: (label: string) => `Start ${label}`,
    which: 'What kind?',
    perHour: (amount: string) => `${amount} an hour`,
    priceUnknown: 'price unknown',
    hint: 'Your home folder is the same, whichever you choose, and you can choose another one at the next start.',
    optional: '(optional)',
    nothing: 'nothing',
    none: 'Nothing of this can be started now. Ask your administrator.',
    start: (label: string) => `Start ${label}`,
    back: 'Not now',
    another: 'Choose another kind',
    changeHeading: (label: string) => `Change ${label} to another kind`,
    changeHint:
      'It is stopped and started again, with the same home folder. What is only in memory, such as variables in a notebook, is lost.',
    change: 'Stop and start again',
    same: 'It is of this kind already.',
    current: 'now',
  },
} as const;
