import type { SearchAnswer } from '../service.ts';
import { FaceCloseUp } from './cropped-picture.tsx';
import type { Selfie } from './selfie-search.ts';

/**
 * The faces of a selfie with several faces, each a button: the service searched the largest, and the user can choose
 * another. Shows nothing for a selfie with one face.
 */
export function FaceStrip({ selfie, answer, question, onChoose }: FaceStripProps) {
  const { faces, face_index: searched, faces_detected: detected } = answer.query;
  const { size } = selfie;
  if (!faces || !size) return null;
  return (
    <section class="face-strip" aria-label="Faces of the selfie">
      <p>{question}</p>
      <ul>
        {faces.map(({ face_index, box }) => (
          <li key={face_index}>
            <button type="button" aria-pressed={face_index === searched} onClick={() => onChoose(face_index)}>
              <FaceCloseUp url={selfie.url} size={size} box={box} alt={`Face ${face_index + 1} of ${detected}`} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface FaceStripProps {
  selfie: Selfie;
  answer: SearchAnswer;
  question: string;
  onChoose: (faceIndex: number) => void;
}
