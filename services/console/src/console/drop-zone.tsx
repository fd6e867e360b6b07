import { useState } from 'preact/hooks';
import { FileButton } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { filesOfDrop, filesOfInput, type AddedFiles } from '../photos/added-files.ts';

/** Adds photos: dropped, or chosen as files or as a folder. */
export function DropZone({
  compact,
  onFiles,
}: {
  compact: boolean;
  onFiles: (added: AddedFiles, mode: 'index' | 'show') => void;
}) {
  const [over, setOver] = useState(false);
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (event.dataTransfer) onFiles(await filesOfDrop(event.dataTransfer), 'index');
  };
  return (
    <section
      class={`drop-zone ${compact ? 'compact' : ''} ${over ? 'over' : ''}`}
      aria-label="Add photos"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => void drop(event)}
    >
      <Icon name="upload" />
      <div>
        <h2>{compact ? 'Add more photos' : 'Drop a folder of photos here'}</h2>
        <p>Photos are analysed, never stored. This page shows your browser’s own copies.</p>
      </div>
      <div class="actions">
        <FileButton
          icon="folder"
          look={compact ? 'plain' : 'primary'}
          webkitdirectory
          multiple
          onFiles={(list) => onFiles(filesOfInput(list), 'index')}
        >
          Choose a folder
        </FileButton>
        <FileButton
          icon="image"
          multiple
          accept="image/*,.heic,.heif,.hif,.avif"
          onFiles={(list) => onFiles(filesOfInput(list), 'index')}
        >
          Choose photos
        </FileButton>
        <FileButton
          icon="open"
          look="quiet"
          webkitdirectory
          multiple
          onFiles={(list) => onFiles(filesOfInput(list), 'show')}
        >
          Only show, don’t index
        </FileButton>
      </div>
    </section>
  );
}
