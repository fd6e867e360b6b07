import type { SearchAnswer } from '../service.ts';
import { Frames } from './frames.tsx';
import type { Selfie } from './selfie-search.ts';

/**
 * The selfie with its faces framed. Where there are several, each is a button: the service searched the largest and says so; a person
 * chooses another.
 */
export function FaceChooser({ selfie, answer, onChoose }: { selfie: Selfie; answer: SearchAnswer | null; onChoose: (faceIndex: number) => void }) {
  const { size } = selfie;
  const query = answer?.query;
  return (
    <span class="face-chooser" style={size ? { aspectRatio: size.width / size.height } : undefined}>
      <img src={selfie.url} alt="The picture that was searched by" />
      {size && query && <Frames view={{ x: 0, y: 0, ...size }} frames={[{ box: query.box, kind: 'match' }]} />}
      {size &&
        query?.faces?.map(({ face_index, box }) => (
          <button
            type="button"
            key={face_index}
            class="face-choice"
            aria-pressed={face_index === query.face_index}
            aria-label={`Face ${face_index + 1} of ${query.faces_detected}`}
            style={{
              left: `${(100 * box.x) / size.width}%`,
              top: `${(100 * box.y) / size.height}%`,
              width: `${(100 * box.width) / size.width}%`,
              height: `${(100 * box.height) / size.height}%`,
            }}
            onClick={() => onChoose(face_index)}
          >
            <span>{face_index + 1}</span>
          </button>
        ))}
    </span>
  );
}
