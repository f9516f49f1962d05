import type { AppContext } from '../context.ts';
import { type Asset, makeAsset } from './assets.ts';

/** Relative luminance of `#rrggbb` (WCAG 2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Black or white, whichever reads better on the colour: at least 4.5:1 on any. */
export function textOn(colour: string): '#000000' | '#ffffff' {
  return luminance(colour) > 0.179 ? '#000000' : '#ffffff';
}

/**
 * The institution's accent colour as a stylesheet of its own: inline styles are refused by the content policy.
 * Links mix the colour with the text's until they read well on either background.
 */
export function brandSheet(ctx: Pick<AppContext, 'config'>): Asset | undefined {
  const accent = ctx.config.branding.accent;
  if (!accent) return undefined;
  const light = luminance(accent);
  // 4.5:1 on white asks for a luminance below 0.18, on the dark surface for one above 0.22.
  const onWhite = light < 0.17 ? accent : `color-mix(in srgb, ${accent} 45%, #000)`;
  const onDark = light > 0.25 ? accent : `color-mix(in srgb, ${accent} 40%, #fff)`;
  return makeAsset(
    'brand.css',
    `:root{--fill:${accent};--on-fill:${textOn(accent)};--accent:light-dark(${onWhite},${onDark})}\n`,
  );
}
