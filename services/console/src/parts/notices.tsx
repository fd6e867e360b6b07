import { signal, type Signal } from '@preact/signals';
import { Button, IconButton } from './button.tsx';

export interface Notice {
  text: string;
  /** Undo, or a next step. */
  action?: { label: string; run: () => void };
}

/** Shows the last action, with undo if possible. Only the newest notice is visible. */
export interface Notices {
  current: Signal<(Notice & { number: number }) | null>;
  say: (notice: Notice) => void;
}

export function createNotices(): Notices {
  const current: Notices['current'] = signal(null);
  let number = 0;
  return { current, say: (notice) => (current.value = { ...notice, number: (number += 1) }) };
}

/** The region is always rendered, so that screen readers read out what appears in it. */
export function NoticeRegion({ notices }: { notices: Notices }) {
  const notice = notices.current.value;
  const dismiss = () => (notices.current.value = null);
  return (
    <div class="notices" role="status">
      {notice && (
        <div class="notice" key={notice.number}>
          <span>{notice.text}</span>
          {notice.action && (
            <Button
              look="quiet"
              onClick={() => {
                dismiss();
                notice.action?.run();
              }}
            >
              {notice.action.label}
            </Button>
          )}
          <IconButton icon="close" label="Dismiss" onClick={dismiss} />
        </div>
      )}
    </div>
  );
}
