import type { SearchAnswer } from '../service.ts';
import { Icon } from '../parts/icon.tsx';
import { Frames, type Frame } from './frames.tsx';
import type { Selfie } from './selfie-search.ts';

/** The selfie with the searched face framed, in an area of fixed height; an invitation until there is one. */
export function SelfiePicture({ selfie, answer }: { selfie: Selfie | null; answer: SearchAnswer | null }) {
  if (!selfie)
    return (
      <div class="selfie-stage empty">
        <Icon name="face" />
        <p>A selfie, or any photo of the person</p>
      </div>
    );
  const { size } = selfie;
  const ratio = size ? size.width / size.height : 1;
  return (
    <div class="selfie-stage">
      <span style={{ aspectRatio: ratio, width: `min(100%, calc(var(--stage) * ${ratio}))` }}>
        <img src={selfie.url} alt="The selfie" />
        {size && answer && <Frames view={{ x: 0, y: 0, ...size }} frames={framesOf(answer.query)} />}
      </span>
    </div>
  );
}

function framesOf({ face_index, box, faces = [] }: SearchAnswer['query']): Frame[] {
  const others = faces
    .filter((face) => face.face_index !== face_index)
    .map((face): Frame => ({ box: face.box, kind: 'other' }));
  return [...others, { box, kind: 'match' }];
}
