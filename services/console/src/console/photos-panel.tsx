import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { describeLeftOut, type AddedFiles } from '../photos/added-files.ts';
import { hasRejected, isUnderWay, type Counts, type Library, type Photo } from '../photos/library.ts';
import { withKey, type App } from './app.ts';
import { DropZone } from './drop-zone.tsx';
import { PhotoTile } from './photo-tile.tsx';
import { PhotoViewer } from './photo-viewer.tsx';
import { UploadProgress } from './upload-progress.tsx';

const PAGE = 60;

interface PhotosPanelProps {
  app: App;
  library: Library;
  onChanged: () => void;
  onFindPerson: (face: Blob) => void;
}

/** Adds photos, shows the progress of indexing and the faces of each photo. */
export function PhotosPanel({ app, library, onChanged, onFindPerson }: PhotosPanelProps) {
  const [filter, setFilter] = useState<FilterId>('all');
  const [shown, setShown] = useState(PAGE);
  const [open, setOpen] = useState<Photo | null>(null);
  const photos = library.photos.value;
  // Only filters need the state of every photo.
  const listed = filter === 'all' ? photos : photos.filter(FILTERS[filter].holds);
  const add = ({ files, leftOut }: AddedFiles, mode: 'index' | 'show') => {
    const text = [files.length === 0 ? 'None of these files is a photo.' : null, describeLeftOut(leftOut)];
    if (files.length === 0 || leftOut.length > 0) app.notices.say({ text: text.filter(Boolean).join(' ') });
    if (files.length === 0) return;
    if (mode === 'show') library.add(files, mode);
    else withKey(app, () => library.add(files, mode));
  };
  const again = () => library.index(photos.filter(FILTERS.failed.holds));
  return (
    <>
      <DropZone compact={photos.length > 0} onFiles={add} />
      {photos.length > 0 && <UploadProgress library={library} onRetry={() => withKey(app, again)} />}
      {library.keyRefused.value && (
        <ProblemNote error={library.keyRefused.value}>
          <Button onClick={() => (app.askForKey.value = again)}>Enter another key</Button>
        </ProblemNote>
      )}
      {photos.length > 0 && <FilterBar counts={library.counts} current={filter} onChange={setFilter} />}
      <ul class="tiles" aria-label="Photos">
        {listed.slice(0, shown).map((photo) => (
          <li key={photo.id}>
            <PhotoTile photo={photo} longestSide={app.settings.max_image_side} onOpen={() => setOpen(photo)} />
          </li>
        ))}
      </ul>
      {listed.length > shown && (
        <Button onClick={() => setShown(shown + PAGE)}>Show {Math.min(PAGE, listed.length - shown)} more</Button>
      )}
      {open && (
        <PhotoViewer
          app={app}
          library={library}
          photos={listed}
          photo={open}
          onOpen={setOpen}
          onChanged={onChanged}
          onFindPerson={onFindPerson}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

type FilterId = keyof typeof FILTERS;

interface Filter {
  label: string;
  holds: (photo: Photo) => boolean;
  count: (counts: Counts) => number;
}

const FILTERS = {
  all: {
    label: 'All',
    holds: () => true,
    count: ({ left_out: _, ...kinds }) => Object.values(kinds).reduce((sum, number) => sum + number),
  },
  faces: { label: 'With faces', holds: ({ state }) => state.value.kind === 'indexed', count: ({ indexed }) => indexed },
  none: { label: 'No face', holds: ({ state }) => state.value.kind === 'no_face', count: ({ no_face }) => no_face },
  rejected: {
    label: 'Rejected faces',
    holds: ({ state }) => hasRejected(state.value),
    count: ({ left_out }) => left_out,
  },
  failed: { label: 'Failed', holds: ({ state }) => state.value.kind === 'failed', count: ({ failed }) => failed },
  waiting: {
    label: 'Waiting',
    holds: ({ state }) => isUnderWay(state.value),
    count: ({ waiting, working }) => waiting + working,
  },
} satisfies Record<string, Filter>;

/** Hides filters that would show nothing, except the present one. */
function FilterBar({
  counts,
  current,
  onChange,
}: {
  counts: Signal<Counts>;
  current: FilterId;
  onChange: (filter: FilterId) => void;
}) {
  const ids = Object.keys(FILTERS) as FilterId[];
  return (
    <div class="filters" role="group" aria-label="Show">
      {ids.map((id) => {
        const count = FILTERS[id].count(counts.value);
        if (count === 0 && id !== current && id !== 'all') return null;
        return (
          <button type="button" key={id} aria-pressed={id === current} onClick={() => onChange(id)}>
            {FILTERS[id].label} <span>{count}</span>
          </button>
        );
      })}
    </div>
  );
}
