import { CroppedPicture } from '../faces/cropped-picture.tsx';
import { IconButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import type { NamedPhoto } from '../photos/download.ts';
import type { Photo } from '../photos/library.ts';
import type { Match } from '../service.ts';

interface MatchTileProps {
  match: Match;
  /** This browser's own copy, if it has one. */
  photo: Photo | undefined;
  longestSide: number;
  onSave: (photo: NamedPhoto) => void;
}

/** A matching photo with the matched face framed, and its similarity. */
export function MatchTile({ match, photo, longestSide, onSave }: MatchTileProps) {
  const { box } = match.face;
  const state = photo?.state.value;
  return (
    <div class="tile match">
      {photo ? (
        <CroppedPicture
          url={photo.url}
          alt={`Photo ${match.photo_id}`}
          aspect={4 / 3}
          size={state && 'size' in state ? state.size : null}
          longestSide={longestSide}
          focus={box ?? undefined}
          frames={box ? [{ box, kind: 'match' }] : []}
        />
      ) : (
        <span class="crop missing" style={{ aspectRatio: 4 / 3 }}>
          <Icon name="image" />
        </span>
      )}
      <span class="tile-name">{match.photo_id}</span>
      <Similarity value={match.similarity} />
      {photo && (
        <IconButton
          icon="download"
          label={`Download ${match.photo_id}`}
          onClick={() => onSave({ id: photo.id, blob: photo.file })}
        />
      )}
    </div>
  );
}

/** One pair of strangers in 10,000 reaches 0.5, one in 100,000 reaches 0.6; 1 is the same photo. */
function Similarity({ value }: { value: number }) {
  return (
    <span class="similarity">
      <meter min={0} max={1} low={0.6} optimum={1} value={value} aria-label="Similarity">
        {value.toFixed(2)}
      </meter>
      {value.toFixed(2)}
    </span>
  );
}
