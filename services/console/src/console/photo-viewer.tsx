import { useState } from 'preact/hooks';
import { rejectReason } from '../faces/advice.ts';
import { FaceCloseUp } from '../faces/cropped-picture.tsx';
import { Frames } from '../faces/frames.tsx';
import { fitWithin, type Box, type Size } from '../parts/geometry.ts';
import { Button, IconButton } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import type { Library, Photo } from '../photos/library.ts';
import { withKey, type App } from './app.ts';
import { EraseDialog } from './erase-dialog.tsx';
import { cutOutFace } from './people-picker.tsx';
import { framesOf } from './photo-tile.tsx';

interface PhotoViewerProps {
  app: App;
  library: Library;
  /** In the order of the arrow keys. */
  photos: readonly Photo[];
  photo: Photo;
  onOpen: (photo: Photo) => void;
  onChanged: () => void;
  onFindPerson: (face: Blob) => void;
  onClose: () => void;
}

/** One large photo with all indexed and rejected faces, and its actions. */
export function PhotoViewer({
  app,
  library,
  photos,
  photo,
  onOpen,
  onChanged,
  onFindPerson,
  onClose,
}: PhotoViewerProps) {
  const [erasing, setErasing] = useState(false);
  const state = photo.state.value;
  const at = photos.indexOf(photo);
  const step = (by: number) => {
    const next = photos[at + by];
    if (next) onOpen(next);
  };
  const arrows = (event: KeyboardEvent) => {
    if (event.key === 'ArrowRight') step(1);
    if (event.key === 'ArrowLeft') step(-1);
  };
  const erased = () => {
    onChanged();
    const undo = () => library.index([photo]);
    app.notices.say({
      text: `Erased ${photo.id} from the session.`,
      action: { label: 'Index again', run: undo },
    });
  };
  const findPerson = async (size: Size, box: Box) => {
    const face = await cutOutFace(photo.file, size, box);
    onClose();
    onFindPerson(face);
  };
  return (
    <Dialog title={photo.id} wide onClose={onClose}>
      <div class="viewer" onKeyDown={arrows}>
        <LargePicture key={photo.url} photo={photo} longestSide={app.settings.max_image_side} />
        <aside>
          <FaceList photo={photo} onFind={(size, box) => void findPerson(size, box)} />
          <footer>
            <IconButton icon="left" label="Previous photo" disabled={at <= 0} onClick={() => step(-1)} />
            <IconButton
              icon="right"
              label="Next photo"
              disabled={at < 0 || at === photos.length - 1}
              onClick={() => step(1)}
            />
            {state.kind === 'failed' || state.kind === 'erased' || state.kind === 'shown' ? (
              <Button icon="retry" onClick={() => withKey(app, () => library.index([photo]))}>
                Index {state.kind === 'shown' ? 'it' : 'again'}
              </Button>
            ) : (
              <Button
                look="quiet"
                icon="trash"
                disabled={state.kind !== 'indexed'}
                onClick={() => withKey(app, () => setErasing(true))}
              >
                Erase photo
              </Button>
            )}
          </footer>
        </aside>
      </div>
      {erasing && (
        <EraseDialog
          what={{ kind: 'photo', photoId: photo.id }}
          erase={() => library.erase(photo)}
          onErased={erased}
          onClose={() => setErasing(false)}
        />
      )}
    </Dialog>
  );
}

function LargePicture({ photo, longestSide }: { photo: Photo; longestSide: number }) {
  const [loaded, setLoaded] = useState<Size | null>(null);
  const state = photo.state.value;
  const size = ('size' in state ? state.size : null) ?? (loaded && fitWithin(loaded, longestSide));
  return (
    <div class="large-picture">
      <span style={size ? { aspectRatio: size.width / size.height } : undefined}>
        <img
          src={photo.url}
          alt={`Photo ${photo.id}`}
          onLoad={({ currentTarget: image }) => setLoaded({ width: image.naturalWidth, height: image.naturalHeight })}
        />
        {size && <Frames view={{ x: 0, y: 0, ...size }} frames={framesOf(state)} />}
      </span>
    </div>
  );
}

function FaceList({ photo, onFind }: { photo: Photo; onFind: (size: Size, box: Box) => void }) {
  const state = photo.state.value;
  if (state.kind === 'failed') return <p class="bad">{state.detail}</p>;
  if (state.kind !== 'indexed' && state.kind !== 'no_face') return <p class="faint">{STATE_TEXT[state.kind]}</p>;
  const { size } = state;
  const faces = state.kind === 'indexed' ? state.faces : [];
  return (
    <ul class="face-list">
      {state.kind === 'no_face' && <li class="faint">{state.detail}</li>}
      {faces.map(({ face_index, box, confidence, quality }) => (
        <li key={face_index}>
          {size && <FaceCloseUp url={photo.url} size={size} box={box} alt={`Face ${face_index + 1}`} />}
          <span>
            Face {face_index + 1}
            <span class="faint">
              {percent(confidence)} sure, quality {percent(quality)}
            </span>
          </span>
          {size && (
            <Button look="quiet" icon="search" onClick={() => onFind(size, box)}>
              Find
            </Button>
          )}
        </li>
      ))}
      {state.rejected.map(({ box, reason }) => (
        <li key={`${box.x},${box.y}`} class="rejected">
          {size && <FaceCloseUp url={photo.url} size={size} box={box} alt="Rejected face" />}
          <span>
            Rejected
            <span class="faint">{rejectReason(reason)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

const STATE_TEXT = {
  waiting: 'Waiting for upload.',
  working: 'Analysing faces…',
  shown: 'Shown from this browser, not indexed.',
  erased: 'Erased. No search finds it.',
};

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}
