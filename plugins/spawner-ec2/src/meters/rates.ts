/** Dollars per GB and month, us-east-1, November 2026: what lasts costs nearly the same in every region. */
export const DISK_RATES = { gp3: 0.08, snapshot: 0.05, archive: 0.0125 } as const;
/** Dollars per hour of a public IPv4 address, in every region. */
export const ADDRESS_PER_HOUR = 0.005;
/** AWS counts a month as so many hours. */
export const HOURS_PER_MONTH = 730;

export const perMonth = (rate: number, sizeGb: number): number => Math.round(rate * sizeGb * 1e6) / 1e6;
export const perHour = (rate: number, sizeGb: number): number => (rate * sizeGb) / HOURS_PER_MONTH;
