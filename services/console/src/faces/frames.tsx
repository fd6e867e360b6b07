import type { Box } from '../parts/geometry.ts';

export interface Frame {
  box: Box;
  /**
   * `face`: usable; `match`: the one that was looked for; `other`: one that was not; `rejected`: seen, but too poor to
   * be compared.
   */
  kind: 'face' | 'match' | 'other' | 'rejected';
}

/**
 * Frames over a picture of which `view` is visible: corner brackets, as a camera's focus marks, for faces that count, a
 * dashed outline for rejected ones; so they differ without colour, too.
 */
export function Frames({ view, frames }: { view: Box; frames: readonly Frame[] }) {
  return (
    <svg
      class="frames"
      viewBox={`${view.x} ${view.y} ${view.width} ${view.height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {frames.map(({ box, kind }) => (
        <g class={`frame ${kind}`}>
          <path d={kind === 'rejected' ? outline(box) : brackets(box)} />
          <path d={kind === 'rejected' ? outline(box) : brackets(box)} />
        </g>
      ))}
    </svg>
  );
}

function brackets({ x, y, width, height }: Box): string {
  const arm = Math.min(width, height) * 0.28;
  const [right, bottom] = [x + width, y + height];
  return [
    `M${x} ${y + arm}V${y}H${x + arm}`,
    `M${right - arm} ${y}H${right}V${y + arm}`,
    `M${right} ${bottom - arm}V${bottom}H${right - arm}`,
    `M${x + arm} ${bottom}H${x}V${bottom - arm}`,
  ].join('');
}

function outline({ x, y, width, height }: Box): string {
  return `M${x} ${y}h${width}v${height}h${-width}z`;
}
