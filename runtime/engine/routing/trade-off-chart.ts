import type { TradeOff } from './suggest-thresholds.ts'

const WIDTH = 480
const HEIGHT = 360
const LEFT = 56
const BOTTOM = 48
const TOP = 16
const RIGHT = 16

/** Accuracy kept against out-of-scope caught, as an SVG of its own. */
export function tradeOffChart(table: readonly TradeOff[], proposed: TradeOff | null): string {
  const x = (kept: number) => (LEFT + kept * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const y = (caught: number) => (HEIGHT - BOTTOM - caught * (HEIGHT - BOTTOM - TOP)).toFixed(1)
  const points = table.map(({ kept, caught }) => `${x(kept)},${y(caught)}`).join(' ')
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (share) =>
      `<path d="M${x(share)} ${y(0)}V${y(1)}M${x(0)} ${y(share)}H${x(1)}" stroke="#ddd"/>` +
      `<text x="${x(share)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${percent(share)}</text>` +
      `<text x="${LEFT - 6}" y="${y(share)}" text-anchor="end" dominant-baseline="middle">${percent(share)}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    '<title>Right answers kept against out-of-scope questions caught</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...ticks,
    `<polyline points="${points}" fill="none" stroke="#0b6" stroke-width="2"/>`,
    ...(proposed === null ? [] : [mark(proposed, x(proposed.kept), y(proposed.caught))]),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">right answers kept</text>`,
    `<text transform="translate(14 ${(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" text-anchor="middle">out of scope caught</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function mark({ threshold, min_margin }: TradeOff, x: string, y: string): string {
  const label = `threshold ${threshold}${min_margin > 0 ? `, min_margin ${min_margin}` : ''}`
  const text = `<text x="${x}" y="${y}" dx="-8" dy="14" text-anchor="end">${label}</text>`
  return `<circle cx="${x}" cy="${y}" r="4" fill="#c30"/>${text}`
}

const percent = (share: number) => `${Math.round(share * 100)} %`
