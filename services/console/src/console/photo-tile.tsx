import { rejectReason } from '../faces/advice.ts';
import { CroppedPicture } from '../faces/cropped-picture.tsx';
import type { Frame } from '../faces/frames.tsx';
import { around } from '../parts/geometry.ts';
import { Icon } from '../parts/icon.tsx';
import type { Photo, PhotoState } from '../photos/library.ts';

/** A photo in the grid with its faces framed and its state in words. */
export function PhotoTile({ photo, longestSide, onOpen }: { photo: Photo; longestSide: number; onOpen: () => void }) {
  const state = photo.state.value;
  const frames = framesOf(state);
  return (
    <button type="button" class={`tile ${state.kind}`} onClick={onOpen}>
      <CroppedPicture
        url={photo.url}
        alt=""
        aspect={4 / 3}
        size={'size' in state ? state.size : null}
        longestSide={longestSide}
        focus={around(frames.filter(({ kind }) => kind === 'face').map(({ box }) => box))}
        frames={frames}
      />
      <span class="tile-name">{photo.id}</span>
      <TileState state={state} />
    </button>
  );
}

/** The frames to draw over a photo in this state. */
export function framesOf(state: PhotoState): Frame[] {
  const faces = state.kind === 'indexed' ? state.faces : [];
  const rejected = 'rejected' in state ? state.rejected : [];
  return [
    ...faces.map(({ box }) => ({ box, kind: 'face' as const })),
    ...rejected.map(({ box }) => ({ box, kind: 'rejected' as const })),
  ];
}

function TileState({ state }: { state: PhotoState }) {
  switch (state.kind) {
    case 'waiting':
      return <span class="tile-state">Waiting</span>;
    case 'working':
      return <span class="tile-state busy">Analysing…</span>;
    case 'indexed':
      return (
        <span class="tile-state good">
          <Icon name="check" /> {count(state.faces.length, 'face')}
          {state.rejected.length > 0 && `, ${state.rejected.length} rejected`}
        </span>
      );
    case 'no_face':
      return <span class="tile-state">{noFaceText(state.rejected)}</span>;
    case 'failed':
      return (
        <span class="tile-state bad">
          <Icon name="warning" /> {state.detail}
        </span>
      );
    case 'shown':
      return <span class="tile-state">Not indexed</span>;
    case 'erased':
      return <span class="tile-state">Erased</span>;
  }
}

function noFaceText(rejected: readonly { reason: string }[]): string {
  const [first] = rejected;
  return first ? `No usable face: ${rejectReason(first.reason)}` : 'No face';
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
