import { useState } from 'preact/hooks';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import type { SessionStatus } from '../service.ts';

export type Erased =
  | { kind: 'session'; sessionId: string; status: SessionStatus | null }
  | { kind: 'photo'; photoId: string };

/** Asks for confirmation before erasing faces, says what stays, and shows why it failed. */
export function EraseDialog({
  what,
  erase,
  onErased,
  onClose,
}: {
  what: Erased;
  erase: () => Promise<void>;
  onErased: () => void;
  onClose: () => void;
}) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const confirm = () => {
    setBusy(true);
    setProblem(null);
    erase().then(
      () => {
        onClose();
        onErased();
      },
      (error: unknown) => {
        setBusy(false);
        setProblem(error);
      },
    );
  };
  return (
    <Dialog title={what.kind === 'session' ? 'Erase this session?' : 'Erase this photo?'} onClose={onClose}>
      {what.kind === 'session' ? (
        <p>
          This erases all {what.status?.face_count ?? ''} faces of <strong>{what.sessionId}</strong> from the service,
          including migration backups. Nobody can find a photo of this session any more.
        </p>
      ) : (
        <p>
          This erases the faces of <strong>{what.photoId}</strong> from the service. No search finds this photo any
          more.
        </p>
      )}
      <p class="faint">
        Your photo files stay. To restore the faces, index the {what.kind === 'session' ? 'photos' : 'photo'} again.
      </p>
      {problem !== null && <ProblemNote error={problem} />}
      <footer>
        <Button onClick={onClose}>Keep</Button>
        <Button look="danger" icon="trash" disabled={busy} onClick={confirm}>
          {busy ? 'Erasing…' : 'Erase'}
        </Button>
      </footer>
    </Dialog>
  );
}
