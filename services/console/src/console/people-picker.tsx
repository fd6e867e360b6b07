import { FaceCloseUp } from '../faces/cropped-picture.tsx';
import { closeUp, type Box, type Size } from '../parts/geometry.ts';
import type { Library, Photo } from '../photos/library.ts';
import { cutOut } from '../photos/prepare.ts';

const OFFERED = 24;

interface OfferedFace {
  photo: Photo;
  size: Size;
  box: Box;
  quality: number;
}

/** Until there is a selfie: faces from the photos on this page, clearest first, to search for one of them. */
export function PeoplePicker({ library, onPick }: { library: Library; onPick: (face: Blob) => void }) {
  const faces = facesOf(library.photos.value);
  if (faces.length === 0) return <p class="placeholder">Matching photos appear here.</p>;
  return (
    <div class="people">
      <p>Or search for a face from the photos on this page:</p>
      <ul>
        {faces.map(({ photo, size, box }, at) => (
          <li key={`${photo.id} ${box.x} ${box.y}`}>
            <button type="button" onClick={() => void cutOutFace(photo.file, size, box).then(onPick)}>
              <FaceCloseUp url={photo.url} size={size} box={box} alt={`Find face ${at + 1}, from ${photo.id}`} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Cuts out a face with enough around it to detect it again. */
export function cutOutFace(file: Blob, size: Size, box: Box): Promise<Blob> {
  return cutOut(file, size, closeUp(size, box, 2.5));
}

function facesOf(photos: readonly Photo[]): OfferedFace[] {
  const faces = photos.flatMap((photo) => {
    const state = photo.state.value;
    if (state.kind !== 'indexed' || !state.size) return [];
    const { size } = state;
    return state.faces.map(({ box, quality }) => ({ photo, size, box, quality }));
  });
  return faces.toSorted((a, b) => b.quality - a.quality).slice(0, OFFERED);
}
