export interface Packed {
  file: string;
  bytes: number;
  sha256: string;
}

/** Packs the command `atrium` as one npm package into a folder. */
export function packAtrium(into: string): Promise<Packed>;

/** Packs the stand-alone proxy, the command `atrium-proxy`. */
export function packProxy(into: string): Promise<Packed>;
